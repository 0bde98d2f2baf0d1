from __future__ import annotations

from typing import Any

import pytest

from convert.state import transcript


def test_a_conversation() -> None:
    items = [
        {"role": "user", "content": "Look here"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hidden"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I will."}]},
        {"type": "function_call", "id": "fc_1", "call_id": "1", "name": "ls", "arguments": '{"path": "."}'},
        {"type": "function_call_output", "call_id": "1", "output": "a.txt"},
        {"type": "custom_tool_call", "call_id": "2", "name": "patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "done"}]},
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "weather"}},
        {"type": "shell_call_output", "call_id": "3", "output": [{"stdout": "x"}]},
    ]
    assert transcript.told(items) == (
        "[user]\nLook here\n\n[assistant]\nI will.\n\n[function_call ls]\n{\"path\": \".\"}\n\n[result]\na.txt\n\n"
        "[custom_tool_call patch]\n*** Begin\n\n[result]\ndone\n\n"
        '[web_search_call]\n{"type":"search","query":"weather"}\n\n[result]\n{"stdout":"x"}'
    )


@pytest.mark.parametrize(("content", "text"), [
    ([{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}], "(image)"),
    ([{"type": "input_file", "filename": "a.pdf", "file_data": "AAAA"}], "(file a.pdf)"),
    ([{"type": "refusal", "refusal": "No."}], "No."),
    (None, ""), ([], ""), (["a", 3], "a\n3"), ({"a": 1}, '{"a":1}'),
    ([{"type": "odd", "x": 1}], '{"type":"odd","x":1}'),
])  # fmt: skip
def test_content_of_all_kinds(content: Any, text: str) -> None:
    assert transcript.text_of(content) == text


@pytest.mark.parametrize("item", [{}, {"type": 3}, {"type": "message"}, {"role": None, "content": {}}, {"type": "x"}])
def test_items_that_say_nothing(item: dict[str, Any]) -> None:
    assert transcript.told([item]) in ("", "[None]\n{}")
