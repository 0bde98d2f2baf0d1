"""A conversation with a real model server through a real proxy, led by OpenAI's own SDK.

    python -m tests.conversation http://127.0.0.1:8090 smollm2-135m

starts gunicorn as the Procfile has it, in front of a server that speaks Chat Completions, and talks to it in Responses:
streamed, with the whole history in the second turn, with a tool, and with a schema for the output. Prints what was
said; ends with 1 when something is not as the SDK wants it.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openai import OpenAI
from openai.types.responses import Response

ROOT = Path(__file__).parent.parent
TOOL = {
    "type": "function", "name": "get_weather", "description": "Tells the weather of a city.", "strict": True,
    "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": False,
    },
}  # fmt: skip
# A small model calls a tool where the conversation shows it how.
ASK: list[Any] = [
    {"role": "user", "content": "What is the weather in Paris?"},
    {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city": "Paris"}'},
    {"type": "function_call_output", "call_id": "call_1", "output": "18 degrees, sunny"},
]
SCHEMA = {
    "type": "object", "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}}, "required": ["answer"],
    "additionalProperties": False,
}  # fmt: skip


@contextmanager
def proxy(upstream: str) -> Iterator[str]:
    """The base URL of a proxy in front of an upstream."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web: "))
    command = [sys.executable, "-m", *shlex.split(web.removeprefix("web: ")), "--bind", f"127.0.0.1:{port}"]
    environ = {**os.environ, "UPSTREAM_URL": upstream, "UPSTREAM_API_KEY": "none", "CONVERT_LOG_LEVEL": "WARNING"}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


def turn(client: OpenAI, title: str, **request: Any) -> Response:
    """One streamed answer, printed as it comes; the SDK folds it, and compares what it folded with the last event."""
    print(f"--- {title}")
    with client.responses.stream(max_output_tokens=64, temperature=0, **request) as stream:
        count = 0
        for event in stream:
            count += 1
            if event.type in ("response.output_text.delta", "response.function_call_arguments.delta"):
                print(event.delta, end="", flush=True)
        assert event.type in ("response.completed", "response.incomplete")
        answer: Response = event.response
        if event.type == "response.completed":
            assert stream.get_final_response().output_text == answer.output_text
    usage = answer.usage
    assert usage is not None and usage.input_tokens > 0 and usage.output_tokens > 0
    assert answer.status in ("completed", "incomplete") and answer.output
    print(f"\n    {answer.status}, {count} events, {usage.input_tokens} + {usage.output_tokens} tokens")
    return answer


def main(upstream: str, model: str) -> int:
    """The conversation."""
    with proxy(upstream) as base, OpenAI(base_url=base, api_key="none", max_retries=0, timeout=120) as client:
        history: list[Any] = [{"role": "user", "content": "Say hello in French."}]
        first = turn(client, "a first turn", model=model, input=history, instructions="Be brief.")
        assert first.output_text
        history += [item.model_dump() for item in first.output]
        history.append({"role": "user", "content": "And in German?"})
        second = turn(client, "a second turn, with the history", model=model, input=history)
        assert second.usage and first.usage and second.usage.input_tokens > first.usage.input_tokens
        called = turn(client, "a tool is called", model=model, input=ASK, tools=[TOOL])
        calls = [item for item in called.output if item.type == "function_call"]
        assert calls and calls[0].name == "get_weather" and "city" in json.loads(calls[0].arguments)
        sunny = {"type": "function_call_output", "output": "Sunny, 22 C."}
        results = [{**sunny, "call_id": call.call_id} for call in calls]
        told = turn(
            client, "the tool's result", model=model,
            input=[*ASK, *(item.model_dump() for item in called.output), *results],
        )  # fmt: skip
        assert told.output_text
        form = {"format": {"type": "json_schema", "name": "verdict", "schema": SCHEMA, "strict": True}}
        typed = turn(client, "an answer that follows a schema", model=model, input="Is water wet?", text=form)
        assert json.loads(typed.output_text)["answer"] in ("yes", "no")
    print("--- the SDK was content with all of it")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
