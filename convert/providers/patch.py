"""Small changes to a written request body: what a provider's dialect needs beyond its named behaviours.

A path is names joined by dots; `*` in a name is a glob, and `[*]` stands for each element of a list:
`tools[*].function.strict`. The operations, in this order: `drop` a field, `rename` it, `set` it, give it a `default`,
`clamp` a number, map `values`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from convert.losses import DEFAULTS, Report

Json = dict[str, Any]
ABSENT = {**DEFAULTS, "tool_choice": "auto", "parallel_tool_calls": True}  # what a missing field means anyway
Edit = Callable[[Json, str, str], None]  # (a copy of the object that holds the field, its key, its path)


@dataclass(frozen=True, slots=True)
class Patch:
    """The operations on one format's body, each by path. Calling it never changes its argument."""

    drop: tuple[str, ...] = ()
    rename: dict[str, str] = field(default_factory=dict)
    set: dict[str, Any] = field(default_factory=dict)
    default: dict[str, Any] = field(default_factory=dict)
    clamp: dict[str, tuple[float, float]] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.drop or self.rename or self.set or self.default or self.clamp or self.values)

    def over(self, base: Patch) -> Patch:
        """This patch on top of another: both apply, and this one wins."""
        return Patch(
            drop=(*base.drop, *(path for path in self.drop if path not in base.drop)),
            rename={**base.rename, **self.rename},
            set={**base.set, **self.set},
            default={**base.default, **self.default},
            clamp={**base.clamp, **self.clamp},
            values={**base.values, **self.values},
        )

    def __call__(self, body: Json, report: Report) -> Json:
        """The patched body: only what changes is copied, and `body` itself comes back when nothing does. What is
        dropped, clamped or mapped is reported; renaming and defaults lose nothing."""
        for path in self.drop:
            body = _edited(body, path, _dropping(report))
        for old, new in self.rename.items():
            body = _edited(body, old, _renaming(new.rsplit(".", 1)[-1], report))
        for path, value in self.set.items():
            body = _put(body, path.split("."), value, replace=True)
        for path, value in self.default.items():
            body = _put(body, path.split("."), value, replace=False)
        for path, (low, high) in self.clamp.items():
            body = _edited(body, path, _clamping(low, high, report))
        for path, mapping in self.values.items():
            body = _edited(body, path, _mapping(mapping, report))
        return body


def _edited(body: Json, path: str, edit: Edit) -> Json:
    """The body with `edit` done to each place that the path names and that exists."""
    edited = _walk(body, path.replace("[*]", ".[*]").split("."), "", edit)
    assert isinstance(edited, dict)
    return edited


def _walk(node: Any, steps: list[str], where: str, edit: Edit) -> Any:
    """The node, or a copy of it where something below it changed."""
    step, rest = steps[0], steps[1:]
    if step == "[*]":
        if not isinstance(node, list) or not rest:
            return node
        elements = [_walk(each, rest, f"{where}[{number}]", edit) for number, each in enumerate(node)]
        return elements if any(new is not old for new, old in zip(elements, node, strict=True)) else node
    if not isinstance(node, dict):
        return node
    keys = [key for key in node if fnmatch.fnmatchcase(key, step)] if "*" in step else [step] * (step in node)
    if not keys:
        return node
    changed = dict(node)
    for key in keys:
        place = f"{where}.{key}" if where else key
        if rest:
            changed[key] = _walk(node[key], rest, place, edit)
        else:
            edit(changed, key, place)
    same = len(changed) == len(node) and all(changed.get(key) is value for key, value in node.items())
    return node if same else changed


def _put(node: Json, way: list[str], value: Any, replace: bool) -> Json:
    """The node with a value at a plain path, whose objects are made where they are missing."""
    key, rest = way[0], way[1:]
    current = node.get(key)
    if rest:
        if not isinstance(current, dict | None):
            return node
        inner = _put(current or {}, rest, value, replace)
        return node if inner is current else {**node, key: inner}
    return {**node, key: value} if replace or current is None else node


def _dropping(report: Report) -> Edit:
    def drop(holder: Json, key: str, where: str) -> None:
        value = holder.pop(key)
        if value is not None and ABSENT.get(key) != value:
            report.dropped(where, "this upstream does not take it")

    return drop


def _renaming(new: str, report: Report) -> Edit:
    def rename(holder: Json, key: str, where: str) -> None:
        value = holder.pop(key)
        if holder.get(new) is None:
            holder[new] = value
        elif holder[new] != value:
            report.dropped(where, f"{new} is given too")

    return rename


def _clamping(low: float, high: float, report: Report) -> Edit:
    def clamp(holder: Json, key: str, where: str) -> None:
        value = holder[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        nearest = min(max(value, low), high)
        if nearest != value:
            holder[key] = int(nearest) if isinstance(value, int) and nearest == int(nearest) else nearest
            report.approximated(where, f"{value} became {holder[key]}")

    return clamp


def _mapping(mapping: dict[str, Any], report: Report) -> Edit:
    def replace(holder: Json, key: str, where: str) -> None:
        """The target false drops the field."""
        value = holder[key]
        if not isinstance(value, str) or value not in mapping:
            return
        if mapping[value] is False:
            del holder[key]
            report.dropped(where, f"{value} is not known here")
        else:
            holder[key] = mapping[value]
            report.approximated(where, f"{value} became {mapping[value]}")

    return replace
