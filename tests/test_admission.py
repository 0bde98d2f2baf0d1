from __future__ import annotations

import time

import pytest

from convert.admission import BEAT, Admission, Pulse
from convert.errors import ProxyError


def test_one_more_than_the_limit_is_refused_until_one_is_over() -> None:
    admission = Admission(2, 5)
    leave, _ = admission.enter(), admission.enter()
    with pytest.raises(ProxyError) as caught:
        admission.enter()
    assert (caught.value.kind, caught.value.status, caught.value.retry_after) == ("overloaded", 503, "1")
    leave()
    leave()  # once is enough
    admission.enter()
    with pytest.raises(ProxyError):
        admission.enter()


def test_a_process_that_is_late_takes_nothing_on() -> None:
    admission = Admission(2, 0.5)
    leave = admission.enter()
    admission.pulse.before = admission.pulse.late = 0.6
    with pytest.raises(ProxyError, match="does not keep up"):
        admission.enter()
    leave()
    admission.enter()  # the machine slept: there is nothing that it could be busy with


def test_a_process_that_is_idle_is_not_late() -> None:
    pulse = Pulse()
    time.sleep(BEAT * 1.5)
    assert pulse.lag() < BEAT


def test_it_is_late_as_soon_as_a_second_beat_is_missed() -> None:
    pulse = Pulse()
    pulse.due, pulse.late = pulse.due - 10, 9.0
    assert pulse.lag() == 9


def test_a_machine_that_stood_still_once_is_not_late() -> None:
    pulse = Pulse()
    pulse.due -= 10
    assert pulse.lag() == 0
    time.sleep(BEAT * 1.5)  # that beat was late, the next one is on time
    assert pulse.late > 9 or pulse.before > 9
    assert pulse.lag() < BEAT
