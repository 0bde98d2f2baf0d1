from __future__ import annotations

from collections.abc import Iterator

from convert.api.closing import Closing


def pieces(heard: list[str]) -> Iterator[bytes]:
    try:
        yield b"a"
        yield b"b"
    finally:
        heard.append("pieces")


def test_the_pieces_are_gone_through_as_they_are() -> None:
    body = pieces([])
    closing = Closing(body)
    assert iter(closing) is body and list(closing) == [b"a", b"b"]


def test_at_the_end_the_pieces_are_closed_before_all_else() -> None:
    heard: list[str] = []
    closing = Closing(pieces(heard), lambda: heard.append("first"), lambda: heard.append("second"))
    assert next(iter(closing)) == b"a"
    closing.close()
    assert heard == ["pieces", "first", "second"]


def test_what_was_never_read_is_closed_too() -> None:
    heard: list[str] = []
    Closing(Closing([b"a"], lambda: heard.append("inner")), lambda: heard.append("outer")).close()
    assert heard == ["inner", "outer"]
