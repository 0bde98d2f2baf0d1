from __future__ import annotations

from typing import Any

import pytest
from flask import Response
from werkzeug.test import EnvironBuilder, run_wsgi_app

from convert.api.reply import Reply


@pytest.mark.parametrize("method", ["POST", "HEAD"])
@pytest.mark.parametrize("status", [200, 429, 500])
@pytest.mark.parametrize("body", [b"", b"{}", "ü".encode(), [b"data: 1\n\n", b"data: 2\n\n"]])
@pytest.mark.parametrize("headers", [{}, {"X-A": "1"}, [("X-A", "1"), ("X-A", "2")], {"Content-Type": "text/plain"}])
def test_a_reply_is_sent_as_any_response(method: str, status: int, body: Any, headers: Any) -> None:
    def sent(kind: type[Response]) -> tuple[bytes, str, Any]:
        response = kind(
            iter(body) if isinstance(body, list) else body, status, headers, "application/json",
            direct_passthrough=isinstance(body, list),
        )  # fmt: skip
        pieces, code, told = run_wsgi_app(response, EnvironBuilder(method=method).get_environ())
        return b"".join(pieces), code, sorted(told)

    assert sent(Reply) == sent(Response)
