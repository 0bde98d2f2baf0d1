import pytest

from convert.errors import ProxyError
from convert.formats import FORMATS
from convert.formats.gemini.flavor import GeminiFlavor
from convert.formats.gemini.request import read_request, write_request
from convert.losses import Report
from tests.formats.converting import USER, fault, sent

HI = {"role": "user", "parts": [{"text": "hi"}]}


@pytest.mark.parametrize(
    "body",
    [
        {"contents": "hi"},
        {"contents": HI, "model": "models/m", "stream": False},
        {"contents": [HI], "system_instruction": "Be brief.", "tool_config": {"retrievalConfig": {}}, "store": False},
        {"contents": [HI], "tools": {"codeExecution": {}}, "service_tier": "STANDARD", "labels": {"a": "b"}},
        {"contents": [HI], "tools": [{"functionDeclarations": []}, {"url_context": {}, "function_declarations": []}]},
        {"contents": [HI], "generation_config": {}, "toolConfig": {"functionCallingConfig": {}}, "cachedContent": "c"},
        {"contents": [HI], "generationConfig": {"temperature": None, "max_output_tokens": 5, "speechConfig": {"a": 1}}},
    ],
    ids=str,
)
def test_a_request_comes_home_as_it_was(body):
    report = Report()
    assert write_request(read_request(body), GeminiFlavor(), report) == body and report.losses == []


def test_model_and_stream_are_always_written_for_another_format():
    written = sent("chat", "gemini", {"messages": [USER]})[0]
    assert written == {"model": "m", "contents": [HI], "stream": False}
    assert sent("chat", "gemini", {"messages": [USER], "stream": True})[0]["stream"] is True


def test_a_model_is_known_without_its_family():
    assert sent("gemini", "chat", {"model": "models/x", "contents": "hi"})[0]["model"] == "x"


def test_instructions_come_first():
    body = {"instructions": "a", "input": [{"role": "developer", "content": "b"}, USER]}
    instruction = sent("responses", "gemini", body)[0]["systemInstruction"]
    assert instruction == {"parts": [{"text": "a"}, {"text": "b"}]}
    written = sent("gemini", "responses", {"contents": "hi", "systemInstruction": {"parts": [{"text": "a"}]}})[0]
    assert written["instructions"] == "a"


@pytest.mark.parametrize(
    ("chat", "gemini"), [("default", "standard"), ("flex", "flex"), ("priority", "priority"), ("auto", "unspecified")]
)
def test_tiers_have_other_names(chat, gemini):
    assert sent("chat", "gemini", {"messages": [USER], "service_tier": chat})[0]["serviceTier"] == gemini
    assert sent("gemini", "chat", {"contents": "hi", "serviceTier": gemini})[0]["service_tier"] == chat


@pytest.mark.parametrize(
    ("chat", "lost"),
    [
        ({"service_tier": "on_demand"}, ["service_tier dropped (no such tier here)"]),
        ({"logit_bias": {"1": 1}, "user": "u"}, ["logit_bias dropped", "user dropped"]),
        ({"parallel_tool_calls": False}, []),
        ({"store": False}, []),
        ({"tool_choice": "required"}, ["tool_choice dropped (there are no functions)"]),
        ({"own": 1}, ["own dropped"]),
    ],
)
def test_what_the_api_lacks_is_told(chat, lost):
    assert sent("chat", "gemini", {"messages": [USER], **chat})[1] == lost


def test_what_others_lack_is_told():
    body = {"contents": "hi", "safetySettings": [{"category": "c"}], "generationConfig": {"topK": 5, "seed": 7}}
    lost = sent("gemini", "responses", body)[1]
    assert lost == ["generationConfig.topK dropped", "generationConfig.seed dropped", "safetySettings dropped"]


def test_a_conversation_of_which_nothing_is_left_is_refused():
    with pytest.raises(ProxyError) as caught:
        sent("chat", "gemini", {"messages": [{"role": "assistant", "content": ""}]})
    assert caught.value.kind == "unsupported"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"contents": 7}, "contents"),
        ({"contents": "hi", "stream": "yes"}, "stream"),
        ({"contents": "hi", "systemInstruction": 7}, "systemInstruction"),
        ({"contents": "hi", "serviceTier": 7}, "serviceTier"),
        ({"contents": "hi", "store": 7}, "store"),
    ],
)
def test_the_path_of_a_fault(body, path):
    assert fault("gemini", body)[0] == path


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("m", False, "/models/m:generateContent"),
        ("m", True, "/models/m:streamGenerateContent?alt=sse"),
        ("models/m", False, "/models/m:generateContent"),
        ("tunedModels/m", False, "/tunedModels/m:generateContent"),
        ("google/m", False, "/models/google%2Fm:generateContent"),
        ("../x?y#z", False, "/models/..%2Fx%3Fy%23z:generateContent"),
    ],
)
def test_the_model_is_in_the_path(model, stream, path):
    assert FORMATS["gemini"].path(model, stream) == path


def test_how_tokens_are_counted():
    form = FORMATS["gemini"]
    assert form.counter.path("m") == "/models/m:countTokens" and form.write_count(7) == {"totalTokens": 7}
    request = {"model": "m", "stream": False, "contents": [HI]}
    wrapped = form.counter.body(request, "m")
    assert wrapped == {"generateContentRequest": {"model": "models/m", "contents": [HI]}}
    assert form.counted({**wrapped, "model": "m"}) == {"model": "m", "contents": [HI]}
    assert form.counted({"model": "m", "contents": "hi"}) == {"model": "m", "contents": "hi"}
