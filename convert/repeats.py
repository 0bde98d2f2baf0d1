"""Frames that say again what the frame before them said, with another text: most of a stream.

A wire's deltas are alike: the same bytes, around a text. What a reader made of one of them is what it makes of the
next, so that one's JSON is neither parsed nor read: its text is taken from between the bytes. All else goes the whole
way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain

import orjson

from convert import hub, sse
from convert.sse import Chunk

SHORT = 4096  # bytes of a frame that is remembered
PATIENCE = 8  # patterns that nothing repeats, before a stream is believed to vary (OpenAI adds random characters)
Read = Callable[[Iterator[Chunk]], Iterator[hub.Event]]
Alike = Callable[[Chunk, hub.Part], bool]


def read_stream(pieces: Iterable[bytes], read: Read, alike: Alike, resting: bool = False) -> Iterator[hub.Event]:
    """The events that `read` makes of a streamed body; an empty piece stands for silence. `resting`: with a Rest after
    those of each piece.

    alike   (a chunk that was read as one Delta, the part that this grew) -> whether a next one, which differs only in
            that text, is read as such a Delta too, and leaves the reader as it is

    Raises ProxyError (upstream) for data that is no JSON object, and what `read` raises."""
    reader = _Reader(read, alike)
    pattern: _Pattern | None = None
    vain = 0  # patterns in a row that nothing repeated
    frames = sse.whole_frames(pieces)
    for whole in frames:
        rest = whole
        if pattern and whole:
            texts, rest = pattern.texts(whole)
            vain = 0 if texts else vain + 1
            for text in texts:
                yield hub.Delta(pattern.index, text)
        if vain > PATIENCE:
            yield from reader.follow(sse.chunks_of(chain([rest], frames), resting))
            return
        if rest or rest is None:
            pattern = yield from reader.read(rest)
            if reader.ended:
                return
        if resting:
            yield hub.REST
    yield from reader.made_of(None)


class _Reader:
    """A format's reader that is handed its chunks, where by itself it would ask for them."""

    def __init__(self, read: Read, alike: Alike) -> None:
        self.alike = alike
        self.handed: deque[Chunk | Iterator[Chunk] | None] = deque()
        self.events = read(_chunks(self.handed))
        self.parts: dict[int, hub.Part] = {}
        self.ended = False

    def read(self, whole: bytes | None) -> Generator[hub.Event, None, _Pattern | None]:
        """The events of whole frames; None: of silence. Returns the pattern of the last frame, where it may repeat."""
        frames = [] if whole is None else sse.split(whole)
        chunks = [sse.PING] if whole is None else sse.parsed(frames)
        if not isinstance(chunks, list):  # one of them is not plain, or wrong
            for chunk in chunks:
                yield from self.made_of(chunk)
            return None
        yield from self.made_of(*chunks[:-1])
        found = [*self.made_of(chunks[-1])]
        yield from found
        if len(found) == 1 and isinstance(event := found[0], hub.Delta) and frames:
            return _pattern(*frames[-1], event) if self.alike(chunks[-1], self.parts[event.index]) else None
        return None

    def follow(self, chunks: Iterator[Chunk]) -> Iterator[hub.Event]:
        """The events of all the chunks that still come."""
        self.handed.append(chunks)
        return self.events

    def made_of(self, *chunks: Chunk | None) -> Iterator[hub.Event]:
        """The events of chunks; None: of the end of the body."""
        self.handed.extend(chunks)
        for event in self.events:
            if event is hub.REST:
                return
            if type(event) is hub.PartStart:
                self.parts[event.index] = event.part
            yield event
        self.ended = True


def _chunks(handed: deque[Chunk | Iterator[Chunk] | None]) -> Iterator[Chunk]:
    """What was handed to a reader, until None or all the others; a Rest, which it passes on, whenever it has read what
    there is."""
    while True:
        while handed:
            chunk = handed.popleft()
            if not isinstance(chunk, dict):
                yield from chunk or ()
                return
            yield chunk
        yield sse.REST


class _Pattern:
    """The bytes around the text of a frame, and the part that its text grows."""

    def __init__(self, index: int, head: bytes, tail: bytes) -> None:
        self.index = index
        self.head = head
        self.tail = tail
        self.between = b"%b\n\n%b" % (tail, head)

    def texts(self, whole: bytes) -> tuple[list[str], bytes]:
        """The texts of the first of some whole frames, as long as they have the pattern; the frames behind those."""
        texts: list[str] = []
        if not whole.startswith(self.head):
            return texts, whole
        *others, last = whole[len(self.head) :].split(self.between)
        for number, quoted in enumerate(others):
            if not (text := _text(quoted)):
                return texts, self.head + self.between.join([*others[number:], last])
            texts.append(text)
        quoted, found, rest = last.partition(self.tail)
        if not found or rest[:2] not in (b"", b"\n\n") or not (text := _text(quoted)):
            return texts, self.head + last
        texts.append(text)
        return texts, rest[2:]


def _text(quoted: bytes) -> str:
    """What stands between two quotes; "" where it is no string, and where it is an empty one, which means something
    else than others."""
    try:
        return orjson.loads(b'"%b"' % quoted)  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        return ""


def _pattern(name: bytes, data: bytes, event: hub.Delta) -> _Pattern | None:
    """The pattern of a frame that is read as one Delta; None where its text cannot be told from the rest."""
    if len(data) > SHORT or not event.text or event.logprobs:
        return None
    before, quoted, after = data.partition(sse.dumps(event.text))
    if not quoted or quoted in after:
        return None
    head = b"event: %b\ndata: %b" % (name, before) if name else b"data: " + before
    return _Pattern(event.index, head + b'"', b'"' + after)
