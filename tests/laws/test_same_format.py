"""Laws of one format: what is read from it is written back the same (1. exact, 2. round trip)."""

from __future__ import annotations

import pytest

from convert.exchange import Exchange
from convert.formats import FORMATS
from convert.losses import Report
from tests.laws.dialects import vendor, widest
from tests.recordings import Recording, requests, responses, streams


@pytest.mark.parametrize("recording", requests(), ids=lambda each: each.name)
def test_a_request_for_an_upstream_of_its_own_format_is_the_very_object(recording: Recording) -> None:
    exchange = Exchange(recording.form, recording.form, recording.request, vendor(recording.form))
    assert exchange.request() is recording.request
    assert exchange.untouched


@pytest.mark.parametrize("recording", requests(), ids=lambda each: each.name)
def test_a_request_that_is_read_is_written_back_the_same(recording: Recording) -> None:
    report = Report()
    request = recording.form.read_request(recording.request)
    assert recording.form.write_request(request, widest(recording.form), report) == recording.request
    assert report.losses == []


@pytest.mark.parametrize("recording", responses(), ids=lambda each: each.name)
def test_a_response_that_is_read_is_written_back_the_same(recording: Recording) -> None:
    report = Report()
    response = recording.form.read_response(recording.response, recording.form.flavor())
    assert recording.form.write_response(response, {}, report) == recording.response
    assert report.losses == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_recordings_of_its_own(name: str) -> None:
    for found in (requests(), responses(), streams()):
        assert any(each.form.name == name and "tests/corpus" in str(each.folder) for each in found)
