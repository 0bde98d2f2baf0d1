from __future__ import annotations

from convert.store import Database, seals


def keep(database: Database, values: dict[str, bytes], tenant: str = "t") -> None:
    database.run(lambda connection: seals.keep(connection, tenant, values))


def recall(database: Database, *calls: str, tenant: str = "t") -> dict[str, bytes]:
    return database.run(lambda connection: seals.recall(connection, tenant, calls))


def test_what_waits_is_found_by_its_call(database: Database) -> None:
    keep(database, {"a": b"1", "b": b"2"})
    assert recall(database, "a", "c") == {"a": b"1"}
    assert recall(database, "a", "b") == recall(database, "a", "b") == {"a": b"1", "b": b"2"}
    assert recall(database) == {}


def test_a_later_value_takes_the_place_of_an_earlier(database: Database) -> None:
    keep(database, {"a": b"1"})
    keep(database, {"a": b"2"})
    keep(database, {})
    assert recall(database, "a") == {"a": b"2"}


def test_a_call_of_another_tenant_has_none(database: Database) -> None:
    keep(database, {"a": b"1"})
    keep(database, {"a": b"2"}, tenant="other")
    assert (recall(database, "a"), recall(database, "a", tenant="other")) == ({"a": b"1"}, {"a": b"2"})
    assert recall(database, "a", tenant="third") == {}


def test_a_long_history_is_asked_for_at_once(database: Database) -> None:
    """More calls than a statement may have had parameters in older SQLite (999)."""
    keep(database, {f"call{n}": b"x" for n in range(3000)})
    assert len(recall(database, *(f"call{n}" for n in range(3000)))) == 3000


def test_an_upstream_may_name_its_calls_as_it_likes(database: Database) -> None:
    strange = {"x" * 1000: b"1", "a\0b": b"2"}
    keep(database, strange)
    assert recall(database, *strange) == strange
