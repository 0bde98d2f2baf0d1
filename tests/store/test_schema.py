from __future__ import annotations

import pytest

from convert.store.schema import METADATA

TABLES = sorted(METADATA.tables)
SHARED = {"processes", "secrets"}  # of the server itself, not of a tenant


@pytest.mark.parametrize("name", [name for name in TABLES if name not in SHARED])
def test_every_row_of_a_client_has_its_tenant(name: str) -> None:
    column = METADATA.tables[name].c.tenant
    assert not column.nullable and column.type.length == 64  # a SHA-256 in hexadecimal


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_a_key(name: str) -> None:
    assert [*METADATA.tables[name].primary_key]


@pytest.mark.parametrize("name", [name for name in TABLES if name not in SHARED])
def test_ids_are_looked_up_within_a_tenant(name: str) -> None:
    """The tenant comes first in the key, or in a unique index: two tenants may have the same id."""
    table = METADATA.tables[name]
    unique = [[*table.primary_key.columns.keys()], *(index.columns.keys() for index in table.indexes if index.unique)]
    assert any(names[0] == "tenant" for names in unique)


@pytest.mark.parametrize(
    ("name", "column"),
    [("responses", "created"), ("conversations", "used"), ("seals", "created")],
)
def test_what_expires_is_found_by_an_index(name: str, column: str) -> None:
    assert any(index.columns.keys()[0] == column for index in METADATA.tables[name].indexes)
