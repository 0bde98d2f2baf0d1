"""What is checked of one recording: its answer through each client's format, and its request by the dry run.

A check gives a few words on what it found, or raises AssertionError. A recording is one of four: a stream, a finished
answer, an error, or something else that no client can be given as an answer (text, a body in base64).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from requests import Response

from convert import hub, sse, stream
from convert.api.failures import parsed
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.formats.contract import Format
from tests import recordings
from tests.conformance import servers
from tests.conformance.clients import ask, message, read, session, whole
from tests.laws.meaning import assert_same, cut_off
from tests.laws.schemas import violations
from tests.recordings import Recording

CUTS = (0, 1, 7)
# Recorded requests that the proxy refuses at the door, by the words of the refusal, with the reason.
REFUSED = {"messages: must be a non-empty list of messages": "the API itself refuses such a one (recorded on Ollama)"}
Check = Callable[[], str]


class Checks:
    """The checks of a recording: `proxy` its base URL, `ports` those of the upstreams by the size of their pieces."""

    def __init__(self, proxy: str, ports: dict[int, int], number: int, recording: Recording) -> None:
        self.proxy = proxy
        self.ports = ports
        self.number = number
        self.recording = recording

    @property
    def form(self) -> Format:
        """The format of the recording."""
        return self.recording.form

    def all(self) -> Iterator[tuple[str, Check]]:
        """(what is checked, the check)."""
        for client in FORMATS.values():
            same = client is self.form
            answers = self.same_format() if same else self.answers(client)
            for what, check in answers if self.recording.body else ():
                yield f"{self.form.name} -> {client.name} {what}", check
            if self.recording in recordings.requests():
                check = self.passed if same else (lambda client=client: self.converted(client))
                yield f"{self.form.name} request -> {client.name}", check

    def answers(self, client: Format) -> Iterator[tuple[str, Check]]:
        """The checks of the answer to a client of another format."""
        if self.recording in recordings.streams():
            for size in CUTS:
                yield f"stream, {size or 'whole'}", lambda size=size: self.answer(client, size, True)
            yield "stream, folded", lambda: self.answer(client, 0, False)
        elif self.recording in recordings.responses():
            yield "plain", lambda: self.answer(client, 0, False)
            yield "plain, unfolded", lambda: self.answer(client, 0, True)
        else:
            kind = "error" if self.recording in recordings.errors() else "no answer"
            yield kind, lambda: self.failed(client, False)
            yield f"{kind}, asked for a stream", lambda: self.failed(client, True)

    def same_format(self) -> Iterator[tuple[str, Check]]:
        """The checks of the answer to a client of the recording's own format."""
        if self.recording in recordings.streams():
            for size in CUTS:
                yield f"stream, {size or 'whole'}", lambda size=size: self.exact(size, True)
        elif self.recording in recordings.responses():
            yield "plain", lambda: self.exact(0, False)
        elif self.recording not in recordings.errors():
            plain = isinstance(body := parsed(self.recording.body), dict) and not body.get("error")
            # an object that is no error is not looked into between equal formats
            yield "no answer", lambda: self.exact(0, False) if plain else self.failed(self.form, False)
        elif self.in_shape() and self.in_words():
            yield "error", lambda: self.exact(0, False)
        elif self.in_shape():  # clients act on an overflow only if it is told in their API's own words
            yield "overflow in words of the upstream's own", lambda: self.failed(self.form, False)
        else:
            yield "error in no known shape", lambda: self.failed(self.form, False)

    def in_shape(self) -> bool:
        """Whether a recorded error is in the shape of its API (xAI, Mistral and FastAPI have some of their own)."""
        body = parsed(self.recording.body)
        return isinstance(body, dict) and isinstance(body.get("error"), dict)

    def in_words(self) -> bool:
        """Whether a recorded error is in the words and codes of its API, so that it may pass as it is."""
        body = parsed(self.recording.body)
        return self.form.own_error(body, self.form.read_error(self.recording.status, body))

    def upstream(self, size: int) -> str:
        """The name of the upstream that has the recording, in pieces of a size."""
        return servers.name(self.number, size)

    def exact(self, size: int, streamed: bool) -> str:
        """The very bytes, between equal formats; of a stream that breaks off its whole frames, and an error."""
        got = ask(self.proxy, self.form, self.upstream(size), streamed)
        recorded = self.recording.body
        if streamed and got.content != recorded and isinstance(failure := self.said(), ProxyError):
            frames = got.content[: got.content[:-2].rfind(b"\n\n") + 2] if got.status_code == 200 else b""
            assert recorded.startswith(frames), _difference(frames, recorded)
            return self.told(self.form, failure, got) + ", after the very bytes of its whole frames"
        assert got.content == recorded, _difference(got.content, recorded)
        assert got.status_code == self.recording.status, got.status_code
        return "the very bytes"

    def answer(self, client: Format, size: int, streamed: bool) -> str:
        """Valid, and says the same, in the format of another client."""
        before = self.said()
        got = ask(self.proxy, client, self.upstream(size), streamed)
        if isinstance(before, ProxyError):
            return self.told(client, before, got)
        assert got.status_code == 200, got.text
        body = got.content.decode() if streamed else got.json()
        wrong = violations(f"{client.name}.response", body, cut_off(before))
        assert wrong == [], wrong
        assert_same(client, read(client, got.content, streamed), before)
        return "valid, says the same"

    def said(self) -> hub.Response | ProxyError:
        """What the recording says, or how it failed."""
        flavor = self.form.flavor()
        if self.recording not in recordings.streams():
            return self.form.read_response(self.recording.response, flavor)
        events = list(stream.check(self.form.read_stream(sse.chunks([self.recording.stream]), flavor)))
        last = events[-1]
        return last.error if isinstance(last, hub.Failure) else stream.fold(iter(events))

    def failed(self, client: Format, streamed: bool) -> str:
        """An error that is no answer in any format, in the client's shape."""
        got = ask(self.proxy, client, self.upstream(0), streamed)
        if self.recording in recordings.errors():
            before = self.form.read_error(self.recording.status, parsed(self.recording.body))
            return self.told(client, before, got)
        assert got.status_code >= 400, got.text
        wrong = violations(f"{client.name}.error", got.json())
        assert wrong == [], (wrong, got.text)
        return "an error in the client's shape"

    def told(self, client: Format, before: ProxyError, got: Response) -> str:
        """A failure of the upstream's, told in the client's shape and with the upstream's words."""
        if got.status_code >= 400:
            wrong = violations(f"{client.name}.error", got.json())
            assert wrong == [], (wrong, got.text)
            assert got.status_code == client.statuses.get(before.kind, before.status), (got.status_code, before.kind)
        words = message(client, got)
        # an overflow is told in the words that clients of the API look for
        assert before.message in words or before.kind == "context_length", (words, before.message)
        return "the upstream's failure told"

    def passed(self) -> str:
        """The request's very bytes, between equal formats."""
        data = (self.recording.folder / "request.json").read_bytes()
        streamed = self.recording in recordings.streams()
        if "model" not in self.form.in_url and "model" not in self.recording.request:
            data = sse.dumps(whole(self.form, self.recording.request, streamed))
        got = ask(self.proxy, self.form, self.upstream(0), streamed, data)
        if got.status_code == 400 and (words := refusal(self.form, got)) in REFUSED:
            return f"refused: {words}"
        sent = session().get(f"http://127.0.0.1:{self.ports[0]}/rec/{self.recording.name}/_last").content
        assert sent == data, _difference(sent, data)
        return "the very bytes"

    def converted(self, wire: Format) -> str:
        """A request, converted by the dry run."""
        where = f"{self.proxy}/convert?from={self.form.name}&to={wire.name}"
        asked = whole(self.form, self.recording.request, self.recording in recordings.streams())
        got = session().post(where, json=asked, timeout=60)
        if got.status_code >= 400:
            error = got.json()["error"]
            assert got.status_code in (400, 422) and error["param"], got.text
            return "refused: " + re.sub(r"^[\w.\[\]]+: |'resp_\w+'", "", error["message"])
        wrong = violations(f"{wire.name}.request", got.json()["body"])
        if wrong and set(wrong) <= set(violations(f"{self.form.name}.request", self.recording.request)):
            return "as invalid as it was recorded"
        assert wrong == [], wrong
        return "valid, with losses reported" if got.json()["losses"] else "valid, nothing lost"


def refusal(client: Format, got: Response) -> str:
    """The words of a refused request, which begin with the path of the fault."""
    return client.read_error(got.status_code, got.json()).message


def _difference(found: bytes, wanted: bytes) -> str:
    """Where two bodies part."""
    pairs = enumerate(zip(found, wanted))
    at = next((at for at, (one, other) in pairs if one != other), min(len(found), len(wanted)))
    return f"at byte {at} of {len(wanted)}: {found[at:][:120]!r} instead of {wanted[at:][:120]!r}"
