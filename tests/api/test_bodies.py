from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from convert.api import bodies
from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.formats.contract import Format

LIMIT = 1000


def request(data: bytes, encoding: str | None = None, chunked: bool = False, **environ: Any) -> Request:
    headers = {"Content-Encoding": encoding} if encoding else {}
    built = EnvironBuilder(method="POST", input_stream=io.BytesIO(data), headers=headers).get_environ()
    built |= {"wsgi.input_terminated": True} if chunked else {"CONTENT_LENGTH": str(len(data))}
    return Request(built | environ)


def fault(*arguments: Any) -> ProxyError:
    with pytest.raises(ProxyError) as caught:
        bodies.read_bytes(*arguments)
    return caught.value


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_up_to_the_limit_is_read(chunked: bool) -> None:
    assert bodies.read_bytes(request(b"x" * LIMIT, chunked=chunked), LIMIT) == b"x" * LIMIT


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_too_large(chunked: bool) -> None:
    error = fault(request(b"x" * (LIMIT + 1), chunked=chunked), LIMIT)
    assert (error.kind, error.status, error.code) == ("too_large", 413, "request_too_large")


def test_a_body_that_is_announced_as_too_large_is_not_read() -> None:
    class Untouchable(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError

    asked = request(b"", **{"wsgi.input": Untouchable(), "CONTENT_LENGTH": str(LIMIT + 1)})
    assert fault(asked, LIMIT).status == 413


def test_a_body_shorter_than_announced_was_cut_off() -> None:
    for terminated in (True, False):  # who notices: we, or the web framework
        asked = request(b"{", **{"CONTENT_LENGTH": "9", "wsgi.input_terminated": terminated})
        assert "cut off" in fault(asked, LIMIT).message


def test_a_servers_own_exception_is_the_clients_mistake() -> None:
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise RuntimeError("InvalidChunkSize")

    assert fault(request(b"", chunked=True, **{"wsgi.input": Broken()}), LIMIT).kind == "invalid_request"


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
def test_encoded_bodies_are_decoded(encoding: str, encode: Any) -> None:
    assert bodies.read_bytes(request(encode(b"{}" * 50), encoding), LIMIT) == b"{}" * 50


def test_a_small_body_that_unpacks_to_a_large_one_is_too_large() -> None:
    assert fault(request(gzip.compress(b"x" * 50 * LIMIT), "gzip"), LIMIT).kind == "too_large"


def test_what_is_not_encoded_as_it_says_is_refused() -> None:
    assert "Content-Encoding" in fault(request(b"{}", "gzip"), LIMIT).message


def test_a_compressed_body_that_is_cut_off_is_refused() -> None:
    assert fault(request(gzip.compress(b'{"a": 1}')[:-9], "gzip"), LIMIT).kind == "invalid_request"


def test_other_encodings_are_named() -> None:
    assert "'br' is not supported" in fault(request(b"{}", "br"), LIMIT).message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not valid JSON"), (b"{", "not valid JSON"), (b"\xff\xfe", "not valid JSON"),
        (b"[]", "must be a JSON object"), (b"null", "must be a JSON object"),
        (b'{"a":' * 201 + b"1" + b"}" * 201, "more than 200 levels"),
        (b"[" * 100_000, "nest"),
    ],
)  # fmt: skip
def test_what_is_no_object_is_refused_with_words(data: bytes, words: str) -> None:
    with pytest.raises(ProxyError) as caught:
        bodies.parse(data)
    assert (caught.value.kind, caught.value.status) == ("invalid_request", 400)
    assert words in caught.value.message


def test_an_object_comes_as_values() -> None:
    assert bodies.parse('{"a": ["ü", 1.5, null]}'.encode()) == {"a": ["ü", 1.5, None]}
    assert bodies.parse(b'{"a":' * 150 + b"1" + b"}" * 150)
    many = b"[" + b",".join([b"{}"] * 1000) + b"]"  # wide is not deep
    assert len(bodies.parse(b'{"a": %b}' % many)["a"]) == 1000


def told(data: bytes) -> Any:
    """What a body is read as, with the types of its values; or why it is refused."""
    try:
        return repr(bodies.parse(data))
    except ProxyError as error:
        return error.kind, error.status, error.param, re.sub(r"(line|column|position|char) \d+", r"\1", error.message)


MEMBERS = [
    b"1", b"-0", b"-0.0", b"0.1", b"1.0", b"1e22", b"1E-7", b"123456789.123456789", b"9007199254740993",
    b"18446744073709551615", b"18446744073709551616", b"-9223372036854775808", b"-9223372036854775809", b"1" * 400,
    b"1e400", b"-1e400", b"1e-400", b"01", b"1.", b".5", b"+1", b"0x1", b"NaN", b"Infinity", b"-Infinity", b"nul",
    b'"\\ud83d\\ude00"', b'"\\ud83d"', b'"\\ude00\\ud83d"', b'"\\u0000"', b'"\\u00e9\\/\\b\\f"', b'"\\x"', b'"a\tb"',
    b'"\xc3\xa9"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"', "\"\u2028\U0001f600\"".encode(),
    b'{"a": 1, "a": 2}', b'{"": 1}', b'{"\\ud83d": 1}', b"{'a': 1}", b'{"a" 1}', b"[1,]", b"[1 2]", b"[,]",
    b'{"a": 1,}', b"[]", b"{}", b"[[[]]]", b"[" * 150 + b"]" * 150, b"[" * 250 + b"]" * 250,
    b"[" * 2000 + b"]" * 2000, b"[" * 2000,
    b'{"a":' * 250 + b"1" + b"}" * 250, b'"', b'"open', b"/* */ 1", b"1 // 2", b"1 }, 2", b"tru", b"\xa0 1", b"\x0c1",
]  # fmt: skip


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize(
    "frame", [b'{"b": %b, "a": %b}', b'\xef\xbb\xbf{"b": %b, "a": %b}', b"[%b, %b]", b' {"b": %b, "a": %b} x']
)
def test_a_long_body_is_read_as_a_short_one(member: bytes, frame: bytes) -> None:
    fill = b'"%b"' % (b"\xc3\xa9x" * bodies.LONG)
    for values in ((member, b"%b"), (b"%b", member)):
        asked = frame % values
        assert told(asked % fill) == _filled(told(asked % b'"filling"'))


def _filled(verdict: Any) -> Any:
    """What is told of a body with a short text, told of one with the long text."""
    return verdict.replace("'filling'", repr("éx" * bodies.LONG)) if isinstance(verdict, str) else verdict


def test_long_bodies_are_read_by_the_parser_that_is_made_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(data: bytes) -> Any:
        raise AssertionError

    monkeypatch.setattr(bodies.orjson, "loads", refused)
    assert bodies.parse(b'{"a": "%b"}' % (b"x" * bodies.LONG))
    assert "simdjson" in sys.modules
    with pytest.raises(AssertionError):
        bodies.parse(b'{"a": "x"}')


def test_the_path_of_the_first_fault_is_named() -> None:
    with pytest.raises(ProxyError) as caught:
        bodies.check(FORMATS["chat"], {"messages": [{"role": "user", "content": "x"}]})
    assert (caught.value.param, caught.value.message) == ("model", "model: is required")
    assert bodies.first_fault({"messages": {2: {"role": ["Not a role."]}}}) == ("messages[2].role", "not a role")


def verdict(form: Format, body: dict[str, Any]) -> str | None:
    try:
        bodies.check(form, body)
    except ProxyError as error:
        return error.message
    return None


@pytest.mark.parametrize("form", FORMATS.values(), ids=list(FORMATS))
def test_the_verdict_is_that_of_the_whole_schema(form: Format) -> None:
    values = [None, "", "text", 0, 1, 1.5, True, False, [], ["text"], [1], [{}], {}, {"key": 1}, {"key": {"key": []}}]
    usual = {"model": "m", "messages": [{}], "input": "text", "contents": [{}], "max_tokens": 1}
    once = [{**usual, name: value} for name in form.schema.fields for value in values]
    without = [{key: value for key, value in usual.items() if key != name} for name in usual]
    for body in [{}, usual, *once, *without, dict.fromkeys(form.schema.fields, object()), {"model": 1, "stream": 1}]:
        faults = form.schema.validate(body)
        path, problem = bodies.first_fault(faults) if faults else ("", "")
        assert verdict(form, body) == (f"{path}: {problem}" if faults else None), body


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b'{"input": "\\ud83d"}', "input"),
        (b'{"input": [{"content": "a"}, {"content": "b\\udc00"}]}', "input[1].content"),
        (b'{"metadata": {"\\ud83d": 1}}', "metadata"),
    ],
)
def test_half_of_an_emoji_is_named_by_its_path(data: bytes, path: str) -> None:
    with pytest.raises(ProxyError) as caught:
        bodies.parse(data)
    assert (caught.value.status, caught.value.param) == (400, path)


def test_a_whole_emoji_and_a_long_number_pass() -> None:
    assert bodies.parse(b'{"a": "\\ud83d\\ude00", "b": 123456789012345678901234567890}')["b"] > 2**64


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_only_python_takes_for_json_is_refused(word: bytes) -> None:
    with pytest.raises(ProxyError, match="not valid JSON"):
        bodies.parse(b'{"temperature": ' + word + b"}")
