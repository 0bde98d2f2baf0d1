import json

import pytest

from convert import hub, stream, tools
from convert.losses import Report
from convert.tools import Known, Names, Support

PLAIN = Support()  # a wire that knows functions only
EVERYTHING = Support(custom=True, namespaces=True, client=True, in_history=True, allowed_choice=True, name_length=128)
SHELL = hub.Tool(type="client", name="local_shell", description="Runs.", schema={"type": "object"}, wire={"tool": {}})
PATCH = hub.Tool(
    type="custom", name="apply_patch", description="Patches.",
    schema={"type": "grammar", "syntax": "lark", "definition": "start: x"}, path="tools[1]",
)  # fmt: skip
ECHO = hub.Tool(
    type="namespace", name="mcp__echo", description="An echo.", path="tools[2]",
    tools=[hub.Tool(name="echo_text", description="Echoes."), hub.Tool(name="stop")],
)  # fmt: skip
FETCH = hub.Tool(name="fetch", schema={"type": "object"})


def fit(*offered, support=PLAIN, messages=(), choice=None, home=False):
    request = hub.Request(origin="responses", tools=list(offered), messages=list(messages), choice=choice)
    report = Report()
    fitted, names = tools.fit(request, support, report, home)
    return fitted, names, report


def call(names, name, text="{}", **more):
    """What the client gets when the model calls `name`."""
    response = hub.Response(choices=[hub.Choice(parts=[hub.ToolCall(id="c", name=name, text=text, **more)])])
    return tools.restore(response, names).choices[0].parts[0]


def assistant(*parts):
    return hub.Message(role="assistant", parts=list(parts))


def result(call_id, *parts, **more):
    return hub.Message(role="tool", parts=[hub.ToolResult(call_id=call_id, parts=list(parts), **more)])


def test_what_the_wire_knows_stays_as_it_is():
    history = [assistant(hub.ToolCall(type="custom", id="c", name="apply_patch", text="x", namespace="n"))]
    fitted, names, report = fit(FETCH, PATCH, ECHO, SHELL, support=EVERYTHING, messages=history, home=True)
    assert fitted.tools == [FETCH, PATCH, ECHO, SHELL]
    assert fitted.messages[0] is history[0]
    assert not names and not report.losses


def test_a_request_that_any_wire_can_say_is_not_copied():
    said = [assistant(hub.ToolCall(id="c", name="fetch", text="{}")), result("c", hub.Text(text="x"))]
    choice = hub.ToolChoice(kind="required")
    request = hub.Request(origin="chat", tools=[FETCH], messages=said, choice=choice)
    assert tools.fit(request, PLAIN, Report())[0] is request


def test_a_custom_tool_is_a_function_with_one_string():
    fitted, names, report = fit(PATCH)
    (tool,) = fitted.tools
    assert (tool.type, tool.name) == ("function", "apply_patch")
    assert "start: x" in tool.description and tool.schema["required"] == ["input"]
    assert report.losses[0].how == "approximated" and report.losses[0].path == "tools[1]"
    back = call(names, "apply_patch", '{"input":"*** Begin"}')
    assert (back.type, back.name, back.text) == ("custom", "apply_patch", "*** Begin")


def test_a_namespace_becomes_a_prefix_and_comes_back():
    fitted, names, report = fit(ECHO)
    assert [tool.name for tool in fitted.tools] == ["mcp__echo__echo_text", "mcp__echo__stop"]
    assert fitted.tools[0].description == "An echo.\n\nEchoes."
    back = call(names, "mcp__echo__echo_text")
    assert (back.type, back.name, back.namespace) == ("function", "echo_text", "mcp__echo")
    assert report.losses[0].path == "tools[2]"


def test_a_name_that_already_has_its_namespace_is_not_prefixed_twice_and_comes_back():
    group = hub.Tool(type="namespace", name="mcp__a", tools=[hub.Tool(name="mcp__a__b")])
    fitted, names, _ = fit(group)
    assert fitted.tools[0].name == "mcp__a__b"
    assert (call(names, "mcp__a__b").name, call(names, "mcp__a__b").namespace) == ("mcp__a__b", "mcp__a")


@pytest.mark.parametrize("spelling", ["echo_text", "mcp__echo.echo_text", "functions.echo_text", "mcp__echo/echo_text"])
def test_a_respelled_name_is_understood(spelling):
    _, names, _ = fit(ECHO, FETCH)
    assert call(names, spelling).namespace == "mcp__echo"


def test_a_name_that_could_be_two_tools_is_left_alone():
    other = hub.Tool(type="namespace", name="b", tools=[hub.Tool(name="stop")])
    _, names, _ = fit(ECHO, other)
    assert call(names, "stop").namespace is None


def test_a_tool_of_the_same_bare_name_is_not_taken_for_the_namespaced_one():
    _, names, _ = fit(ECHO, hub.Tool(name="stop"))
    assert call(names, "stop").namespace is None


def test_a_built_in_is_offered_as_a_function():
    fitted, names, _ = fit(SHELL)
    assert (fitted.tools[0].type, fitted.tools[0].wire) == ("function", {})
    assert call(names, "local_shell").type == "client"


@pytest.mark.parametrize("name", ["x" * 65, "a.b", "naïve", "a b", "y" * 200])
def test_illegal_names_are_shortened_and_restored(name):
    fitted, names, _ = fit(hub.Tool(name=name), hub.Tool(name=name[:-1] + "z"))
    first, second = (tool.name for tool in fitted.tools)
    assert len(first) <= 64 and first.replace("_", "").replace("-", "").isalnum() and first.isascii()
    assert first != second
    assert call(names, first).name == name


def test_names_in_the_history_match_those_on_offer():
    long = "x" * 80
    history = [
        assistant(
            hub.ToolCall(id="1", name=long),
            hub.ToolCall(id="2", name="echo_text", namespace="mcp__echo"),
            hub.ToolCall(id="3", name="apply_patch", type="custom", text='say "hi"'),
            hub.ToolCall(id="4", name="local_shell", type="client", text='{"command":["ls"]}'),
        ),
        result("3", hub.Text(text="done"), type="custom"),
    ]
    fitted, _, _ = fit(hub.Tool(name=long), ECHO, PATCH, SHELL, messages=history)
    calls = fitted.messages[0].parts
    assert [c.name for c in calls[:2]] == [fitted.tools[0].name, "mcp__echo__echo_text"]
    assert json.loads(calls[2].text) == {"input": 'say "hi"'}
    assert {c.type for c in calls} == {"function"} and all(c.namespace is None for c in calls)
    assert fitted.messages[1].parts[0].type == "function"
    assert history[0].parts[1].namespace == "mcp__echo"  # the request itself is not changed


def test_long_call_ids_are_shortened_alike_for_call_and_result():
    long = "call_" + "x" * 80
    history = [assistant(hub.ToolCall(id=long, name="fetch")), result(long, hub.Text(text="ok"))]
    first, _, _ = fit(FETCH, messages=history)
    again, _, _ = fit(FETCH, messages=[*history, hub.Message(parts=[hub.Text(text="more")])])
    shortened = first.messages[0].parts[0].id
    assert len(shortened) <= 64
    assert shortened == first.messages[1].parts[0].call_id == again.messages[0].parts[0].id


def test_ids_of_legal_form_stay():
    assert tools.short_id("functions.bash:0", PLAIN) == "functions.bash:0"
    assert tools.short_id("functions.bash:0", Support(legal_id=r"[\w-]+")).startswith("call_")


def test_announced_tools_join_the_request():
    found = [hub.Tool(name="search_code")]
    history = [
        hub.Message(role="developer", parts=[hub.Tools(tools=[ECHO], path="input[0].tools")]),
        assistant(hub.ToolCall(type="client", id="c", name="tool_search", text="{}")),
        result("c", hub.Tools(tools=found, path="input[2].tools"), type="client"),
    ]
    fitted, names, report = fit(FETCH, messages=history)
    assert [tool.name for tool in fitted.tools] == ["fetch", "mcp__echo__echo_text", "mcp__echo__stop", "search_code"]
    assert len(fitted.messages) == 2  # nothing is left of the announcement
    assert "search_code" in fitted.messages[1].parts[0].parts[0].text
    assert {loss.path for loss in report.losses if loss.how == "moved"} == {"input[0].tools", "input[2].tools"}
    assert call(names, "mcp__echo__stop").name == "stop"


def test_a_loaded_tool_is_called_with_itself_as_its_namespace():
    history = [assistant(hub.ToolCall(id="c", name="fetch", namespace="fetch"))]
    fitted, _, _ = fit(FETCH, messages=history)
    assert fitted.messages[0].parts[0].name == "fetch"


def test_a_tool_given_twice_is_offered_once():
    fitted, _, _ = fit(FETCH, hub.Tool(name="fetch", description="again"))
    assert fitted.tools == [FETCH]


def test_hosted_tools_of_others_are_dropped_and_reported():
    search = hub.Tool(type="hosted", name="web_search", path="tools[0]")
    assert fit(search)[0].tools == [] and fit(search)[2].losses[0].how == "dropped"
    assert fit(search, support=Support(hosted=frozenset({"web_search"})))[0].tools == [search]
    assert fit(search, home=True)[0].tools == [search]


def named(name, kind="function"):
    return hub.ToolChoice(kind="named", tool=hub.Tool(type=kind, name=name), path="tool_choice")


def test_a_choice_names_the_wire_form():
    fitted, _, _ = fit(PATCH, ECHO, choice=named("apply_patch", "custom"))
    assert (fitted.choice.tool.type, fitted.choice.tool.name) == ("function", "apply_patch")
    assert fit(ECHO, choice=named("stop"))[0].choice.tool.name == "mcp__echo__stop"


def test_a_choice_of_a_dropped_tool_becomes_auto():
    search = hub.Tool(type="hosted", name="web_search", path="tools[0]")
    fitted, _, report = fit(search, FETCH, choice=named("web_search", "hosted"))
    assert fitted.choice.kind == "auto" and report.losses[-1].path == "tool_choice"


def test_a_choice_among_some_offers_only_those():
    choice = hub.ToolChoice(kind="allowed", mode="required", tools=[hub.Tool(name="fetch")], path="tool_choice")
    fitted, _, report = fit(FETCH, PATCH, choice=choice)
    assert [tool.name for tool in fitted.tools] == ["fetch"] and fitted.choice.kind == "required"
    assert [loss.path for loss in report.losses[-2:]] == ["tool_choice", "tools[1]"]
    kept, _, _ = fit(FETCH, PATCH, choice=choice, support=EVERYTHING)
    assert len(kept.tools) == 2 and kept.choice.kind == "allowed"


def streamed(names, name, *pieces):
    yield hub.Start("r")
    yield hub.PartStart(0, hub.ToolCall(id="c", name=name))
    yield from (hub.Delta(0, piece) for piece in pieces)
    yield hub.PartEnd(0)
    yield hub.End([hub.Reason("tool_calls")])


def test_a_streamed_custom_input_comes_out_as_it_arrives():
    _, names, _ = fit(PATCH)
    events = list(stream.check(tools.restored(streamed(names, "apply_patch", '{"in', 'put":"a\\', 'nb"', "}"), names)))
    assert [event.text for event in events if isinstance(event, hub.Delta)] == ["a", "\nb"]
    part = stream.fold(events).choices[0].parts[0]
    assert (part.type, part.text) == ("custom", "a\nb")


def test_a_streamed_custom_input_that_is_not_wrapped_is_kept():
    _, names, _ = fit(PATCH)
    events = tools.restored(streamed(names, "apply_patch", "*** Begin", " Patch"), names)
    assert stream.fold(events).choices[0].parts[0].text == "*** Begin Patch"


def test_streamed_calls_of_unchanged_tools_pass():
    _, names, _ = fit(FETCH, PATCH)
    before = list(streamed(names, "fetch", '{"input":"x"}'))
    assert list(tools.restored(before, names)) == before


def test_names_that_know_nothing_are_false():
    names = Names()
    names.add("fetch", Known("function", "fetch"))
    assert not names
    names.add("patch", Known("custom", "patch"))
    assert names


def test_a_wire_may_take_names_that_others_refuse():
    tool = hub.Tool(name="a.b")
    request = hub.Request(tools=[tool])
    assert tools.fit(request, Support(illegal_name=r"[^a-z.]"), Report())[0].tools == [tool]
    assert tools.fit(request, Support(), Report())[0].tools[0].name.startswith("a_b_")
