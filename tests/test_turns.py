import itertools

from convert import hub
from convert.losses import Report
from convert.turns import NO_RESULT, merged, paired


def user(text):
    return hub.Message(role="user", parts=[hub.Text(text=text)], plain=True)


def says(*parts):
    return hub.Message(role="assistant", parts=[hub.Text(text=p) if isinstance(p, str) else p for p in parts])


def call(name):
    return hub.ToolCall(id=name, name="f", path=f"call {name}")


def result(name, text="ok"):
    part = hub.ToolResult(call_id=name, parts=[hub.Text(text=text)], path=f"result {name}")
    return hub.Message(role="tool", parts=[part], plain=True)


def order(messages):
    """The history in short: text, >call, <result."""
    out = []
    for message in messages:
        for part in message.parts:
            match part:
                case hub.Text(text=text):
                    out.append(text)
                case hub.ToolCall(id=name):
                    out.append(f">{name}")
                case hub.ToolResult(call_id=name):
                    out.append(f"<{name}")
    return out


def pair(*messages):
    report = Report()
    before = repr(messages)
    out = paired(list(messages), report)
    assert repr(messages) == before
    return out, [(loss.path, loss.how) for loss in report.losses]


def test_an_orderly_history_stays_as_it_is():
    first = [user("a"), says(call("1")), says(call("2")), result("1"), result("2")]
    history = [*first, says("b"), says(call("3")), result("3")]
    out, losses = pair(*history)
    assert out == history and losses == []


def test_an_orderly_history_is_not_gone_through(monkeypatch):
    pieces = [
        lambda: user("a"), lambda: says("b"), lambda: says(call("1")), lambda: says(call("1"), call("2")),
        lambda: result("1"), lambda: result("2"),
        lambda: hub.Message(role="user", parts=[*result("1").parts, *result("2").parts]),
    ]  # fmt: skip
    orders = [[piece() for piece in each] for n in range(5) for each in itertools.product(pieces, repeat=n)]
    short = [paired(each, Report()) for each in orders]
    monkeypatch.setattr("convert.turns._orderly", lambda messages: False)
    assert short == [paired(each, Report()) for each in orders]
    orderly = [each for each, out in zip(orders, short) if out is each]
    assert all(not pair(*each)[1] for each in orderly) and 50 < len(orderly) < len(orders)


def test_sequential_calls_stay_sequential():
    out, losses = pair(says(call("1")), result("1"), says(call("2")), result("2"))
    assert order(out) == [">1", "<1", ">2", "<2"] and losses == []


def test_results_in_another_order_take_that_of_the_calls():
    out, losses = pair(says(call("1"), call("2")), result("2"), result("1"))
    assert order(out) == [">1", ">2", "<1", "<2"] and losses == []


def test_a_result_after_something_else_moves_to_its_call():
    out, losses = pair(says(call("1")), user("wait"), result("1"))
    assert order(out) == [">1", "<1", "wait"] and losses == [("result 1", "moved")]


def test_a_result_split_off_by_an_assistant_message_moves():
    out, losses = pair(says(call("1")), says(call("2")), result("1"), says("hm"), result("2"))
    assert order(out) == [">1", ">2", "<1", "<2", "hm"] and losses == [("result 2", "moved")]


def test_a_call_without_a_result_gets_one():
    out, losses = pair(says(call("1")), user("never mind"))
    assert order(out) == [">1", "<1", "never mind"] and losses == [("call 1", "approximated")]
    assert out[1].parts[0].parts[0].text == NO_RESULT


def test_a_call_at_the_very_end_gets_a_result():
    assert order(pair(user("a"), says(call("1")))[0]) == ["a", ">1", "<1"]


def test_a_result_without_a_call_is_told_to_the_user():
    out, losses = pair(user("a"), result("9", "lost"))
    assert [message.role for message in out] == ["user", "user"]
    assert "(9)" in out[1].parts[0].text and out[1].parts[1].text == "lost"
    assert losses == [("result 9", "approximated")]


def test_a_second_result_of_one_call_is_told():
    out, losses = pair(says(call("1")), result("1"), result("1", "again"))
    assert [message.role for message in out] == ["assistant", "tool", "user"]
    assert losses == [("result 1", "approximated")]


def test_an_id_used_by_two_calls_takes_its_results_in_order():
    out, losses = pair(says(call("1")), result("1", "first"), says(call("1")), result("1", "second"))
    assert [m.parts[0].parts[0].text for m in out if m.role == "tool"] == ["first", "second"] and losses == []


def test_several_results_in_one_message_come_apart_and_its_words_follow():
    both = hub.Message(role="user", parts=[result("1").parts[0], result("2").parts[0], hub.Text(text="go on")])
    out, losses = pair(says(call("1"), call("2")), both)
    assert order(out) == [">1", ">2", "<1", "<2", "go on"] and losses == []
    assert [message.role for message in out] == ["assistant", "tool", "tool", "user"]


def test_pieces_of_a_turn_with_calls_become_one():
    thought = hub.Reasoning(text="hm")
    history = [user("a"), says(thought), says("let me see"), says(call("1")), says(call("2")), result("1"), result("2")]
    out = merged(history, Report())
    assert [message.role for message in out] == ["user", "assistant", "tool", "tool"]
    assert [type(part).__name__ for part in out[1].parts] == ["Reasoning", "Text", "ToolCall", "ToolCall"]


def test_two_messages_with_words_stay_two():
    history = [says(hub.Reasoning(text="1")), says("a"), says(hub.Reasoning(text="2")), says("b"), user("c")]
    out = merged(history, Report())
    assert [order([message]) for message in out] == [["a"], ["b"], ["c"]]
    assert all(isinstance(message.parts[0], hub.Reasoning) for message in out[:2])


def test_single_messages_are_not_copied():
    history = [user("a"), says("b"), user("c")]
    assert all(a is b for a, b in zip(merged(history, Report()), history))
