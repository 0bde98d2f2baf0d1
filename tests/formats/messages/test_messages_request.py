import pytest

from convert.errors import ProxyError
from tests.formats.converting import USER, fault, sent

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}


def from_chat(body, **flavor):
    return sent("chat", "messages", {"messages": [USER], **body}, **flavor)


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ({"stop": "x"}, {"stop_sequences": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop_sequences": ["x", "y"]}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"stream": True}, {"stream": True}),
        ({"store": False, "n": 1}, {}),
    ],
)
def test_parameters_of_a_chat_client(asked, written):
    body, losses = from_chat(asked)
    assert {key: body[key] for key in body if key not in ("model", "messages")} == {"max_tokens": 32000, **written}
    assert losses == []


@pytest.mark.parametrize(
    ("asked", "loss"),
    [
        ({"stop": ["x", "\n"]}, "stop dropped (blank stop sequences)"),
        ({"seed": 1}, "seed dropped"),
        ({"user": "u", "safety_identifier": "s"}, "safety_identifier dropped (`user` says it)"),
        ({"service_tier": "flex"}, "service_tier dropped (no such tier here)"),
    ],
)
def test_what_this_wire_lacks_is_told(asked, loss):
    assert from_chat(asked)[1] == [loss]


def test_parameters_of_a_messages_client():
    asked = {"max_tokens": 5, "stop_sequences": ["x"], "metadata": {"user_id": "u"}, "top_k": 3, "stream": False}
    body, losses = sent("messages", "chat", {"messages": [USER], **asked})
    written = {"max_completion_tokens": 5, "stop": ["x"], "user": "u", "top_k": 3, "stream": False}
    assert (body, losses) == ({"model": "m", "messages": [USER], **written}, [])


@pytest.mark.parametrize(
    "form", [{"output_config": {"format": {"schema": SCHEMA}}}, {"output_format": {"schema": SCHEMA}}]
)
def test_the_form_of_the_answer(form):
    body, _ = sent("messages", "chat", {"messages": [USER], **form})
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    body, _ = from_chat({"response_format": FORM})
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("form", "flavor", "words"),
    [
        ({"type": "json_object"}, {}, "JSON object"),
        (FORM, {"json_schema": False, "tool_choice": ("auto",)}, '"integer"'),
    ],
)
def test_a_form_may_have_to_be_told_in_words(form, flavor, words):
    body, losses = from_chat(
        {"messages": [{"role": "system", "content": "s"}, USER], "response_format": form}, **flavor
    )
    assert body["system"].startswith("s\n\nAnswer with") and words in body["system"] and "output_config" not in body
    assert losses == ["response_format approximated (the form of the answer is told in words)"]


def test_a_thread_is_refused_in_words_that_the_client_acts_upon():
    with pytest.raises(ProxyError) as caught:
        sent("messages", "chat", {"messages": [USER], "thread": {"type": "create"}})
    error = caught.value
    assert (error.kind, error.status, error.param) == ("invalid_request", 400, "thread")
    assert error.details == {"details": {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}}


def test_a_thread_goes_on_at_home():
    asked = {"messages": [USER], "max_tokens": 5, "thread": {"type": "create"}}
    assert sent("messages", "messages", asked, strict=False)[0] == {"model": "m", **asked}


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"max_tokens": "x"}, "max_tokens"),
        ({"stop_sequences": [7]}, "stop_sequences[0]"),
        ({"stream": 7}, "stream"),
        ({"metadata": 7}, "metadata"),
        ({"metadata": {"user_id": 7}}, "metadata.user_id"),
        ({"output_config": {"format": {}}}, "output_config.format.schema"),
        ({"output_format": 7}, "output_format.schema"),
        ({"temperature": "x"}, "temperature"),
        ({"tools": 7}, "tools"),
    ],
)
def test_the_path_of_a_fault_is_told(asked, param):
    assert fault("messages", {"messages": [USER], **asked})[0] == param
