"""The stack alone, for comparison: Flask, gunicorn and requests, one view that passes a Chat request and its answer on.

It checks, converts, keeps and logs nothing, and does not notice a client that hangs up: what convert takes
beyond it is convert's own doing.
"""

from __future__ import annotations

import os
from typing import Any

import requests
from flask import Flask, Response, request
from requests.adapters import HTTPAdapter

app = Flask(__name__)
url = os.environ["UPSTREAM_URL"] + "/chat/completions"
session = requests.Session()
session.trust_env = False
session.mount("http://", HTTPAdapter(pool_maxsize=1024))


@app.post("/v1/chat/completions")
def create() -> Any:
    """Passes a request on."""
    headers = {"Content-Type": "application/json"}
    answer = session.post(url, data=request.get_data(), headers=headers, stream=True)
    kind = answer.headers["Content-Type"]
    if kind.startswith("text/event-stream"):
        pieces = iter(lambda: answer.raw.read1(65536), b"")
        return Response(pieces, mimetype=kind, direct_passthrough=True)
    return Response(answer.content, mimetype=kind)
