import pytest

from convert.errors import KINDS, STATUS, ProxyError, invalid, kind_of, without_traceback


def test_each_kind_has_a_status():
    assert set(STATUS) == set(KINDS)
    assert all(400 <= status < 600 for status in STATUS.values())


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request"), (401, "authentication"), (404, "not_found"), (413, "too_large"),
     (418, "invalid_request"), (422, "invalid_request"), (429, "rate_limited"), (500, "upstream"),
     (503, "overloaded"), (529, "overloaded"), (599, "upstream")],
)  # fmt: skip
def test_what_a_status_suggests(status, kind):
    assert kind_of(status) == kind


def test_an_error_has_its_kind_s_status_unless_told():
    assert ProxyError("rate_limited", "slow down").status == 429
    assert ProxyError("unsupported", "no", status=422).status == 422


def test_invalid_names_the_path():
    error = invalid("input[0].role", "must be a role")
    assert (error.status, error.param, error.message) == (400, "input[0].role", "input[0].role: must be a role")
    assert invalid("", "no").param is None


def test_errors_of_the_same_kind_and_message_are_equal():
    assert ProxyError("upstream", "x") == ProxyError("upstream", "x") != ProxyError("timeout", "x")
    assert len({ProxyError("upstream", "x")}) == 1


def test_an_error_that_is_told_forgets_the_frames_of_all_that_led_to_it():
    def low():
        raise OSError("no")

    def high():
        try:
            low()
        except OSError as error:
            raise ProxyError("upstream", "cannot be reached") from error

    with pytest.raises(ProxyError) as caught:
        high()
    told = without_traceback(caught.value)
    assert told is caught.value and told.__traceback__ is None
    assert isinstance(told.__cause__, OSError) and told.__cause__.__traceback__ is None
    told.__cause__.__context__ = told  # a circle has an end
    assert without_traceback(told) is told
