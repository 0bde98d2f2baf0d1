from __future__ import annotations

import pytest

from convert.errors import ProxyError
from convert.settings import load
from convert.state.memory import Memory
from convert.state.secrets import PREFIX, is_sealed, open_sealed, seal


def memory(**environ: str) -> Memory:
    return Memory(load(None, environ))


def test_what_is_sealed_on_one_machine_is_opened_on_another(database_url: str) -> None:
    text = seal(memory(DATABASE_URL=database_url), b"words")
    assert is_sealed(text) and "words" not in text
    assert open_sealed(memory(DATABASE_URL=database_url), text) == b"words"


def test_a_secret_of_the_settings_needs_no_database() -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    text = seal(memory(CONVERT_SECRET="s1", **nowhere), b"words")
    assert open_sealed(memory(CONVERT_SECRET="s1", **nowhere), text) == b"words"
    with pytest.raises(ProxyError):
        open_sealed(memory(CONVERT_SECRET="s2", **nowhere), text)


def test_each_server_has_a_key_of_its_own(tmp_path: object) -> None:
    text = seal(memory(DATABASE_URL=f"sqlite:///{tmp_path}/one.db"), b"words")
    with pytest.raises(ProxyError):
        open_sealed(memory(DATABASE_URL=f"sqlite:///{tmp_path}/two.db"), text)


@pytest.mark.parametrize("text", ["", PREFIX, PREFIX + "abc", "gAAAA", "é", PREFIX + "A" * 200])
def test_what_nobody_sealed_is_not_opened(text: str) -> None:
    with pytest.raises(ProxyError) as caught:
        open_sealed(memory(CONVERT_SECRET="s"), text)
    assert caught.value.status == 400


def test_a_changed_text_is_not_opened() -> None:
    sealed = seal(memory(CONVERT_SECRET="s"), b"words")
    changed = sealed[:-10] + ("A" if sealed[-10] != "A" else "B") + sealed[-9:]
    with pytest.raises(ProxyError):
        open_sealed(memory(CONVERT_SECRET="s"), changed)
