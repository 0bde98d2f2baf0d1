from __future__ import annotations

import copy
from typing import Any

import pytest

from convert.losses import Report
from convert.providers.patch import Patch

Json = dict[str, Any]
BODY: Json = {
    "model": "m",
    "n": 3,
    "temperature": 1.7,
    "max_completion_tokens": 100,
    "service_tier": "flex",
    "messages": [{"role": "user", "content": "hi", "name": "ann"}, {"role": "assistant", "content": "hello"}],
    "tools": [
        {"type": "function", "function": {"name": "a", "strict": True}},
        {"type": "function", "function": {"name": "b"}},
    ],
}


def patched(patch: Patch, body: Json = BODY) -> tuple[Json, list[str]]:
    """The patched body and the losses; the argument must stay as it was."""
    before, report = copy.deepcopy(body), Report()
    after = patch(body, report)
    assert body == before
    return after, [str(loss) for loss in report.losses]


def test_a_dropped_field_is_gone_and_reported() -> None:
    body, losses = patched(Patch(drop=("service_tier",)))
    assert "service_tier" not in body
    assert losses == ["service_tier dropped (this upstream does not take it)"]


def test_a_path_reaches_into_every_element_of_a_list() -> None:
    body, losses = patched(Patch(drop=("tools[*].function.strict", "messages[*].name")))
    assert body["tools"][0] == {"type": "function", "function": {"name": "a"}}
    assert body["messages"][0] == {"role": "user", "content": "hi"}
    assert [loss.split()[0] for loss in losses] == ["tools[0].function.strict", "messages[0].name"]


def test_a_glob_drops_every_field_that_it_matches() -> None:
    body, _ = patched(Patch(drop=("max_*",)))
    assert body == {key: value for key, value in BODY.items() if key != "max_completion_tokens"}


@pytest.mark.parametrize("value", [None, 0])
def test_dropping_what_asked_for_the_default_loses_nothing(value: Any) -> None:
    body, losses = patched(Patch(drop=("presence_penalty",)), {"presence_penalty": value})
    assert body == {}
    assert losses == []


def test_a_renamed_field_keeps_its_value_and_loses_nothing() -> None:
    body, losses = patched(Patch(rename={"max_completion_tokens": "max_tokens"}))
    assert body["max_tokens"] == 100
    assert "max_completion_tokens" not in body
    assert losses == []


def test_a_field_below_is_renamed_where_it_stands() -> None:
    body, _ = patched(Patch(rename={"messages[*].name": "messages[*].author"}))
    assert body["messages"][0] == {"role": "user", "content": "hi", "author": "ann"}


def test_renaming_never_overwrites_what_the_client_said_in_the_providers_own_words() -> None:
    patch = Patch(rename={"max_completion_tokens": "max_tokens"})
    body, losses = patched(patch, {"max_tokens": 5, "max_completion_tokens": 9})
    assert body == {"max_tokens": 5}
    assert losses == ["max_completion_tokens dropped (max_tokens is given too)"]


def test_set_replaces_and_default_does_not() -> None:
    body, losses = patched(Patch(set={"n": 1}, default={"model": "other", "thinking.type": "enabled"}))
    assert (body["n"], body["model"], body["thinking"]) == (1, "m", {"type": "enabled"})
    assert losses == []


def test_a_default_stays_out_of_a_field_of_another_kind() -> None:
    assert patched(Patch(default={"thinking.type": "enabled"}), {"thinking": "yes"})[0] == {"thinking": "yes"}


@pytest.mark.parametrize(("value", "nearest"), [(1.7, 1.0), (0, 0.01), (2, 1), (0.5, 0.5), (True, True), ("x", "x")])
def test_a_number_is_brought_into_its_range(value: Any, nearest: Any) -> None:
    body, losses = patched(Patch(clamp={"temperature": (0.01, 1.0)}), {"temperature": value})
    assert body == {"temperature": nearest}
    assert losses == ([] if value == nearest else [f"temperature approximated ({value} became {nearest})"])


def test_a_whole_number_stays_one() -> None:
    body, _ = patched(Patch(clamp={"n": (1.0, 1.0)}))
    assert repr(body["n"]) == "1"


def test_a_value_is_mapped_or_dropped_and_either_is_reported() -> None:
    mapping = Patch(values={"service_tier": {"flex": "default", "scale": False}})
    assert patched(mapping) == (
        {**BODY, "service_tier": "default"},
        ["service_tier approximated (flex became default)"],
    )
    assert patched(mapping, {"service_tier": "scale"}) == ({}, ["service_tier dropped (scale is not known here)"])
    assert patched(mapping, {"service_tier": "auto"}) == ({"service_tier": "auto"}, [])


@pytest.mark.parametrize(
    "patch",
    [
        Patch(drop=("absent", "tools[*].absent", "messages[*]", "model.absent", "n[*].x")),
        Patch(rename={"absent": "present"}),
        Patch(default={"n": 1}),
        Patch(set={"model.name": "x"}),
        Patch(clamp={"temperature": (0, 2)}),
        Patch(values={"n": {"a": "b"}}),
    ],
)
def test_the_very_same_body_comes_back_when_nothing_changes(patch: Patch) -> None:
    assert patch(BODY, Report()) is BODY


def test_what_does_not_change_is_not_copied() -> None:
    body, _ = patched(Patch(rename={"max_completion_tokens": "max_tokens"}, drop=("messages[*].name",)))
    assert body["tools"] is BODY["tools"]
    assert body["messages"][1] is BODY["messages"][1]


def test_a_models_patch_applies_on_top_of_the_providers_and_wins() -> None:
    base = Patch(drop=("a",), rename={"x": "y"}, clamp={"t": (0, 1)}, default={"d": 1}, set={"s": 1})
    model = Patch(drop=("a", "b"), clamp={"t": (0, 2)}, values={"v": {"1": "2"}}, default={"d": 2}, set={"r": 1})
    assert model.over(base) == Patch(
        drop=("a", "b"), rename={"x": "y"}, clamp={"t": (0, 2)}, values={"v": {"1": "2"}}, default={"d": 2},
        set={"s": 1, "r": 1},
    )  # fmt: skip


def test_an_empty_patch_is_false() -> None:
    assert not Patch()
    assert Patch(default={"a": 1})
