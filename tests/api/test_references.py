"""Items of the input that stand for stored ones (`item_reference`)."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tests.conftest import Make

KEY = {"Authorization": "Bearer sk-one"}


def ask(app: Flask, given: Any, key: str = "sk-one", **further: Any) -> Any:
    body = {"model": "m", "input": given, **further}
    return app.test_client().post("/v1/responses", json=body, headers={"Authorization": f"Bearer {key}"})


def reference(made: Any) -> dict[str, str]:
    return {"type": "item_reference", "id": made.get_json()["output"][0]["id"]}


def texts(upstream: Any) -> list[str]:
    return [message["content"] for message in json.loads(upstream.calls[-1].request.body)["messages"]]


@pytest.fixture
def app(make_app: Any, upstream: Any, database_url: str) -> Any:
    return make_app(UPSTREAM_URL="http://up.test", DATABASE_URL=database_url)


@pytest.mark.parametrize("store", [True, False])
def test_the_upstream_is_sent_what_is_referred_to(app: Flask, upstream: Any, store: bool) -> None:
    made = ask(app, "one")
    answer = ask(app, [reference(made), {"role": "user", "content": "two"}], store=store)
    assert answer.status_code == 200 and "Convert-Lost" not in answer.headers
    assert texts(upstream) == ["Hello", "two"]


@pytest.mark.parametrize("store", [True, False])
def test_what_does_not_exist_for_this_tenant_is_never_left_out(app: Flask, store: bool) -> None:
    foreign = reference(ask(app, "one", key="sk-two"))
    unknown = {"type": "item_reference", "id": "msg_" + 52 * "0"}
    for missing in (foreign, unknown, {"type": "item_reference", "id": "../x"}, {"type": "item_reference"}):
        refused = ask(app, [{"role": "user", "content": "two"}, missing], store=store)
        assert (refused.status_code, refused.get_json()["error"]["param"]) == (404, "input"), missing


def test_many_references_are_one_statement(app: Flask) -> None:
    every = [reference(ask(app, f"{number}")) for number in range(20)]
    statements: list[str] = []
    mine = threading.get_ident()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == mine and statement.startswith("SELECT"):
            statements.append(statement)

    event.listen(app.extensions["convert"].memory.database.engine, "before_cursor_execute", note)
    assert ask(app, every).status_code == 200
    assert len(statements) == 1


def test_more_references_than_a_statement_takes(app: Flask) -> None:
    """SQLite has 32766 parameters, PostgreSQL 65535."""
    many = [{"type": "item_reference", "id": f"msg_{number:048x}0000"} for number in range(66000)]
    assert ask(app, many).status_code == 404


def test_without_a_store_there_is_nothing_to_refer_to(make: Make) -> None:
    body = {"model": "m", "input": [{"role": "user", "content": "two"}, {"type": "item_reference", "id": "msg_1"}]}
    refused = make(CONVERT_STORE="0").post("/v1/responses", json=body)
    assert (refused.status_code, refused.get_json()["error"]["param"]) == (404, "input[1]")
