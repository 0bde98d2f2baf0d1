from __future__ import annotations

import pytest

from convert.background.work import Work, opened
from convert.errors import ProxyError
from convert.settings import load
from convert.state.memory import Memory

WORK = Work("main", "https://up.test/v1", {"input": "secret words"}, {"input": []}, {"Authorization": "Bearer sk-x"})


def test_work_is_sealed_and_opened_with_the_same_key() -> None:
    memory = Memory(load(None, {"CONVERT_SECRET": "s"}))
    sealed = WORK.sealed(memory)
    assert b"sk-x" not in sealed and b"secret words" not in sealed
    assert opened(memory, sealed) == WORK
    with pytest.raises(ProxyError):
        opened(Memory(load(None, {"CONVERT_SECRET": "another"})), sealed)
