from convert import hub
from convert.errors import ProxyError


def test_equal_content_is_equal_wherever_it_came_from():
    one = hub.Text(text="a", path="input[0]", wire={"id": "msg_1"})
    assert one == hub.Text(text="a") and one != hub.Text(text="b")


def test_the_total_is_the_sum_unless_the_wire_said_otherwise():
    assert hub.Usage(input=3, output=2).total_tokens == 5
    assert hub.Usage(input=3, output=2, total=9).total_tokens == 9


def test_a_request_recalls_when_it_leans_on_what_is_not_in_it():
    assert not hub.State().recalls and not hub.State(background=True).recalls
    assert hub.State(previous="resp_1").recalls
    assert hub.State(conversation="conv_1").recalls and hub.State(prompt={"id": "p"}).recalls


def test_values_do_not_share_their_lists():
    hub.Message().parts.append(hub.Text(text="a"))
    assert hub.Message().parts == [] and hub.Request().params == {}


def test_every_part_that_grows_has_a_text():
    assert all(hasattr(kind(), "text") for kind in hub.Growing)


def test_a_failure_is_told_and_so_forgets_where_it_was_raised() -> None:
    try:
        raise ProxyError("upstream", "no")
    except ProxyError as error:
        assert hub.Failure(error).error.__traceback__ is None
