"""Hub events -> the event stream of a message. Source: Anthropic API reference, "Streaming Messages".

The wire has one open block at a time, so that parts come one after another (stream.sequential). A block of words
opens with its first word: blocks without any are not accepted when they come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from json.encoder import encode_basestring_ascii as quote  # C speed, and half an emoji stays legal JSON
from typing import Any

from convert import hub, sse
from convert.formats.messages import answer, response
from convert.formats.messages.errors import write_stream_error
from convert.losses import Report
from convert.sealed import shown
from convert.stream import Fold, sequential

Json = dict[str, Any]
KEEP_ALIVE = b'event: ping\ndata: {"type": "ping"}\n\n'
GROWS = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking")}
_WITH_INPUT = ("server_tool_use", "mcp_tool_use")


def write_stream(events: Iterator[hub.Event], asked: Json, report: Report) -> Iterator[bytes]:
    """The bytes of the stream; its last event is message_stop, or the error that broke it off. `asked` is the
    client's request."""
    writer: _Writer | None = None
    for event in sequential(events):
        if writer is not None and type(event) is hub.Delta:
            if frames := writer.write(event):
                yield frames
        elif event is hub.REST:
            yield b""
        elif isinstance(event, hub.Ping):
            yield KEEP_ALIVE
        elif isinstance(event, hub.Failure):
            yield write_stream_error(event.error)
            return
        elif isinstance(event, hub.Start):
            writer = _Writer(event, asked, report)
            yield writer.start(event)
        elif writer is not None and (frames := writer.write(event)):
            yield frames


def _frame(kind: str, **members: Any) -> bytes:
    return sse.event({"type": kind, **members}, kind)


class _Writer:
    """Which block is open, and the frame of its deltas."""

    def __init__(self, start: hub.Start, asked: Json, report: Report) -> None:
        self.shell = response.shell(start, asked)
        self.report = report
        self.fold = Fold()
        self.fold.add(start)
        self.count = 0  # blocks so far
        self.before = self.after = ""  # what stands around the text of a delta; empty while no block is open
        self.skipped: set[int] = set()  # thoughts that the client did not ask for
        self.asked = response.asked_thinking(asked)

    def start(self, event: hub.Start) -> bytes:
        """The event with the shell of the message."""
        return _frame("message_start", message=self.shell)

    def write(self, event: hub.Event) -> bytes:
        """The frames of an event after the start."""
        self.fold.add(event)
        if type(event) is hub.Delta:
            return self.delta(event)
        match event:
            case hub.PartStart():
                return self.open(event)
            case hub.PartEnd():
                return self.close(event)
            case hub.End():
                return self.end(event)
        return b""

    def block(self, kind: str, block: Json) -> bytes:
        """Opens a block; `kind`: what its deltas are. Who has enabled thinking finds some first, if only empty."""
        if self.asked == "enabled" and self.count == 0 and kind in ("text", "input"):
            return self.thought() + self.stop() + self.block(kind, block)
        name, member = GROWS.get(kind, ("input_json_delta", "partial_json"))
        self.before = (
            f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":{self.count},'
            f'"delta":{{"type":"{name}","{member}":'
        )
        self.after = "}}\n\n"
        return _frame("content_block_start", index=self.count, content_block=block)

    def open(self, event: hub.PartStart) -> bytes:
        """A part opens: a call is announced at once, words and thoughts with their first delta."""
        if isinstance(event.part, hub.Reasoning) and self.asked == "disabled":
            response.report_unasked(self.report)
            self.skipped.add(event.index)
            return b""
        if isinstance(event.part, hub.ToolCall):
            opening = self.block("input", response.open_call(event.part))
            return opening + (self.input('{"input":"') if event.part.type == "custom" else b"")
        return b""

    def delta(self, event: hub.Delta) -> bytes:
        """The hot path: a delta's frame is cut from strings, no object is built for it."""
        if not event.text or event.index in self.skipped:
            return b""
        opening = b""
        part = self.fold.parts[event.index]
        if not self.before:
            opening = self.thought() if isinstance(part, hub.Reasoning) else self.words()
        if isinstance(part, hub.ToolCall) and part.type == "custom":
            return self.input(quote(event.text)[1:-1])
        return opening + f"{self.before}{quote(event.text)}{self.after}".encode()

    def input(self, text: str) -> bytes:
        """A piece of a call's input."""
        return f"{self.before}{quote(text)}{self.after}".encode()

    def words(self) -> bytes:
        """Opens a text block."""
        return self.block("text", {"type": "text", "text": "", "citations": None})

    def thought(self) -> bytes:
        """Opens a thinking block."""
        return self.block("thinking", {"type": "thinking", "thinking": "", "signature": ""})

    def further(self, **delta: Any) -> bytes:
        """A delta that is no text."""
        return _frame("content_block_delta", index=self.count, delta=delta)

    def stop(self) -> bytes:
        """Closes the open block."""
        self.before = self.after = ""
        self.count += 1
        return _frame("content_block_stop", index=self.count - 1)

    def close(self, event: hub.PartEnd) -> bytes:
        """A part closes: what could not be said in deltas, and the end of its block."""
        if event.index in self.skipped:
            return b""
        part = self.fold.parts[event.index]
        match part:
            case hub.Text() | hub.Refusal():
                response.report_tokens(part, self.report)
                return self.cited(part) if self.before else b""
            case hub.Reasoning():
                return self.sealed(part)
            case hub.ToolCall():
                response.report_call(part, self.report)
                return (self.input('"}') if part.type == "custom" else b"") + self.stop()
            case hub.Media(kind="audio"):
                self.report.dropped("output.audio.data", "only its transcript is kept")
                return self.stop() if self.before else b""
            case hub.Raw(format="messages", value=value):
                return self.raw(value)
        response.report_homeless(part, self.report)
        return self.stop() if self.before else b""

    def cited(self, part: hub.Text | hub.Refusal) -> bytes:
        """The citations of a text, and its end."""
        listed = response.citations(part, self.report)["citations"] if isinstance(part, hub.Text) else None
        told = b"".join(self.further(type="citations_delta", citation=each) for each in listed or [])
        return told + self.stop()

    def sealed(self, part: hub.Reasoning) -> bytes:
        """The signature of a thought, and its end. A thought without words may still be one that must come back."""
        if redacted := response.redacted_block(part.sealed):
            return self.block("", redacted) + self.stop()
        if not part.sealed:
            return self.stop() if self.before else b""
        opening = b"" if self.before else self.thought()
        signature = shown(part.sealed, "messages")
        return opening + self.further(type="signature_delta", signature=signature) + self.stop()

    def raw(self, block: Json) -> bytes:
        """A block of a hosted tool; the input of a call as a delta, for clients that look there only."""
        if block.get("type") not in _WITH_INPUT:
            return self.block("", block) + self.stop()
        text = sse.dumps(block.get("input") or {}).decode()
        return self.block("input", {**block, "input": {}}) + self.input(text) + self.stop()

    def end(self, event: hub.End) -> bytes:
        """The reason of the end, the counts, and the terminator."""
        folded = self.fold.response
        response.report_choices(len(event.reasons), self.report)
        self.report.extras("", {key: value for key, value in folded.extra.items() if key != "stop_sequence"})
        reason = answer.write_reason(event.reasons[0]) if event.reasons else "end_turn"
        ended = {"stop_reason": reason, "stop_sequence": None}
        usage = answer.write_usage(folded.usage)
        return _frame("message_delta", delta=ended, usage=usage) + _frame("message_stop")
