from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from convert.api import journal

Make = Callable[..., FlaskClient]
BODY = {"model": "m", "input": "hi", "max_tool_calls": 3}


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "convert.requests"]


def test_one_line_for_each_request(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    client = make()
    client.post("/v1/responses?key=abc", json=BODY, buffered=True)
    client.get("/nothing", buffered=True)
    first, second = lines(caplog)
    assert re.fullmatch("method=POST path=/v1/responses upstream=echo model=m status=200 losses=1 ms=[0-9]+", first)
    assert second.startswith("method=GET path=/nothing upstream=- model=- status=404 losses=0 ms=")


def test_a_stream_is_logged_when_it_ends(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    answer = make().post("/v1/responses", json=BODY | {"stream": True}, buffered=False)
    next(iter(answer.response))
    assert lines(caplog) == []
    answer.close()
    assert len(lines(caplog)) == 1


def test_a_client_cannot_forge_a_line(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    make().post("/v1/responses", json=BODY | {"model": "m\nmethod=GET path=/forged"}, buffered=True)
    (line,) = lines(caplog)
    assert "\n" not in line


def test_no_key_is_in_the_log_or_in_an_answer(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    headers = {"Authorization": "Bearer sekret-client", "x-api-key": "sekret-second", "Cookie": "a=sekret-cookie"}
    far = {"REMOTE_ADDR": "203.0.113.9"}
    answers = []
    with caplog.at_level(logging.DEBUG):
        for environ in (
            {},
            {"CONVERT_KEYS": "sekret-server"},
            {"UPSTREAM_URL": "http://127.0.0.1:9", "UPSTREAM_API_KEY": "sekret-upstream", "CONVERT_LOG_LEVEL": "DEBUG"},
        ):
            client = make(**environ)
            for more in ({}, {"environ_base": far}, {"query_string": "key=sekret-server"}):
                answers.append(client.post("/v1/responses", json=BODY, headers=headers, **more))
                answers.append(client.post("/v1/responses", json=BODY | {"stream": True}, headers=headers, **more))
                answers.append(client.post("/v1/responses", data=b"{", headers=headers, **more))
                answers.append(client.get("/v1/models", headers=headers, **more))
    assert caplog.records
    assert {answer.status_code for answer in answers} >= {200, 400, 401, 502}
    assert "sekret" not in caplog.text + "".join(answer.text + str(answer.headers) for answer in answers)


def test_the_servers_own_logs_lose_the_keys_in_their_urls(caplog: pytest.LogCaptureFixture) -> None:
    journal.keep(Flask("test"), "INFO")
    for name in journal.SERVER_LOGS:
        logging.getLogger(name).warning('"%s %s" 200', "GET", "/v1/models?a=1&key=sekret&b=2")
    assert "sekret" not in caplog.text
    assert caplog.text.count("/v1/models?a=1&key=***&b=2") == len(journal.SERVER_LOGS)


def test_the_level_is_the_settings(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    make(CONVERT_LOG_LEVEL="ERROR").get("/health", buffered=True)
    assert lines(caplog) == []
    make(CONVERT_LOG_LEVEL="INFO").get("/health", buffered=True)
    assert len(lines(caplog)) == 1
