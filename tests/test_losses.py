import pytest

from convert.errors import ProxyError
from convert.losses import HEADER_LIMIT, Report


def test_the_header_counts_alike_losses():
    report = Report()
    for n in range(3):
        report.dropped(f"input[{n}].phase")
    report.approximated("tool_choice", "now auto")
    assert report.header() == "input[*].phase dropped x3, tool_choice approximated (now auto)"


def test_the_header_is_one_short_line_of_ascii():
    report = Report()
    for n in range(500):
        report.moved(f"field_{n}", "a, b\r\nSet-Cookie: x é")
    header = report.header()
    assert len(header) <= HEADER_LIMIT + 20 and header.isascii()
    assert "\n" not in header and "\r" not in header and header.endswith("more")


def test_extras_that_say_nothing_are_not_lost():
    report = Report()
    report.extras("tools[0]", {"a": None, "b": [], "c": {}, "d": "", "e": 0, "f": False})
    assert [loss.path for loss in report.losses] == ["tools[0].e", "tools[0].f"]


def test_strict_refuses_with_the_list():
    report = Report()
    report.refuse()
    report.dropped("seed")
    with pytest.raises(ProxyError) as caught:
        report.refuse()
    error = caught.value
    assert (error.status, error.param, error.code) == (422, "seed", "conversion_loss")
    assert error.details["losses"] == [{"path": "seed", "how": "dropped", "what": ""}]
