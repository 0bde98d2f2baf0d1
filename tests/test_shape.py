import pytest

from convert import hub, shape


def test_what_is_declared_passes():
    part = hub.Text(text="a", citations=[hub.Citation(url="u", start=1)], logprobs=[{"token": "a"}])
    shape.check(hub.Request(model="m", messages=[hub.Message(parts=[part, hub.Raw(value=7)])], params={"n": "any"}))
    shape.check(hub.Response(choices=[hub.Choice(parts=[part])], usage=hub.Usage(input=1.0)))
    for event in (hub.PING, hub.Start("r"), hub.PartStart(0, part), hub.PartEnd(0), hub.End()):
        shape.check(event)


@pytest.mark.parametrize(
    "part",
    [
        hub.Text(text=7),
        hub.Text(text="a", logprobs=[1]),
        hub.Text(text="a", citations=[hub.Citation(url={})]),
        hub.ToolCall(name=[]),
        hub.ToolResult(parts=[hub.Text(text=None)]),
        hub.Media(detail=1),
        hub.Tools(tools=[hub.Tool(schema="x")]),
    ],
)
def test_a_wrong_type_is_found_however_deep(part):
    part.path = "input[0]"
    for value in (hub.PartStart(0, part), hub.Request(messages=[hub.Message(parts=[part])])):
        with pytest.raises(shape.ShapeError):
            shape.check(value)


def test_the_error_names_the_place_on_the_wire():
    part = hub.ToolCall(name=7, path="messages[2].tool_calls[0]")
    with pytest.raises(shape.ShapeError) as caught:
        shape.check(hub.Message(parts=[part]))
    assert caught.value.path == "messages[2].tool_calls[0]" and "`name`" in str(caught.value)


@pytest.mark.parametrize("event", [hub.Delta(0, 7), hub.Delta(0, None), hub.Delta(0, "a", [1]), hub.Delta(0, "a", {})])
def test_a_delta_is_text(event):
    with pytest.raises(shape.ShapeError):
        shape.delta(event)
