"""The official openai SDK, talking to an app without a network."""

from __future__ import annotations

import httpx2
import openai
from flask.testing import FlaskClient


def sdk(client: FlaskClient, key: str = "sk-one") -> openai.OpenAI:
    """The SDK as the tenant of a key."""
    transport = httpx2.WSGITransport(app=client.application)
    http = httpx2.Client(transport=transport, base_url="http://convert.test")
    return openai.OpenAI(api_key=key, base_url="http://convert.test/v1", http_client=http, max_retries=0)
