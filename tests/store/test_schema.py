from __future__ import annotations

from convert.store.schema import METADATA


def test_every_table_of_clients_belongs_to_a_tenant() -> None:
    own = {"processes", "secrets"}
    assert {name for name, table in METADATA.tables.items() if "tenant" not in table.c} == own
    for name, table in METADATA.tables.items():
        first = [column.name for column in table.primary_key][:1]
        assert name in own or first == ["tenant"] or name == "items"
