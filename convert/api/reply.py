"""The answer to a call, whole or a stream, as Flask's responses are."""

from __future__ import annotations

from typing import Any

from flask import Response
from werkzeug.datastructures import Headers


class Reply(Response):
    """A response that has a body and is no redirect. Its headers leave as they were set, with the length where the body
    is bytes: werkzeug would copy them, and look for URLs to make absolute."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """The headers."""
        return self.headers
