from __future__ import annotations

from convert.store import Database, completions
from convert.store.completions import Query, Row


def row(number: int, tenant: str = "t", model: str = "m", metadata: bytes = b"{}") -> Row:
    return Row(
        tenant=tenant, id=f"c{number:04}", created=1000.0 + number // 2, model=model, metadata=metadata,
        request=b"{}", body=b"{}",
    )  # fmt: skip


def fill(database: Database, *rows: Row) -> None:
    for each in rows:
        database.run(lambda connection, each=each: completions.add(connection, each))  # type: ignore[misc]


def ids(database: Database, query: Query, tenant: str = "t") -> list[str]:
    return [each.id for each in database.run(lambda connection: completions.page(connection, tenant, query))]


def test_pages_follow_each_other_in_both_orders(database: Database) -> None:
    rows = [row(n) for n in range(5)]
    fill(database, *rows, row(9, tenant="other"))
    assert ids(database, Query(since=0, limit=2)) == ["c0000", "c0001"]
    assert ids(database, Query(since=0, limit=9, after=rows[1])) == ["c0002", "c0003", "c0004"]
    assert ids(database, Query(since=0, limit=2, descending=True)) == ["c0004", "c0003"]
    assert ids(database, Query(since=0, limit=9, descending=True, after=rows[3])) == ["c0002", "c0001", "c0000"]


def test_a_list_can_be_of_one_model_and_of_some_metadata(database: Database) -> None:
    many = [row(n, metadata=b'{"k": "%d"}' % (n % 3)) for n in range(450)]
    fill(database, *many, row(900, model="n", metadata=b'{"k": "1"}'))
    assert ids(database, Query(since=0, limit=10, model="n")) == ["c0900"]
    found = ids(database, Query(since=0, limit=100, metadata={"k": "1"}))
    assert len(found) == 100 and found[0] == "c0001" and found[-1] == "c0298"


def test_what_has_expired_is_not_there(database: Database) -> None:
    fill(database, row(0))
    assert database.run(lambda connection: completions.get(connection, "t", "c0000", 999.0)) is not None
    assert database.run(lambda connection: completions.get(connection, "t", "c0000", 1000.0)) is None
    assert ids(database, Query(since=1000.0, limit=10)) == []


def test_of_another_tenant_nothing_is_changed_or_deleted(database: Database) -> None:
    fill(database, row(0))
    assert not database.run(lambda connection: completions.remove(connection, "other", "c0000"))
    assert not database.run(lambda connection: completions.describe(connection, "other", "c0000", b"{}"))
    assert database.run(lambda connection: completions.describe(connection, "t", "c0000", b'{"a": "b"}'))
    assert database.run(lambda connection: completions.remove(connection, "t", "c0000"))


def test_models_and_ids_may_be_any_strings(database: Database) -> None:
    fill(database, row(0, model="m" * 1000), row(1, model="a\0b"))
    assert ids(database, Query(since=0, limit=9, model="m" * 1000)) == ["c0000"]
    assert ids(database, Query(since=0, limit=9, model="a\0b")) == ["c0001"]
    for identity in ("a\0b", "x" * 1000):
        assert database.run(lambda connection, id=identity: completions.get(connection, "t", id, 0.0)) is None  # type: ignore[misc]
