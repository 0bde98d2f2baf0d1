"""Small changes to a written request body: what a provider's dialect needs beyond its named behaviours.

A path is names joined by dots; `*` stands for each element of a list: `tools[*].function.strict`. The operations,
in this order: `drop` a field, `rename` it, `set` it, give it a `default`, `clamp` a number, map `values`.
"""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from convert.losses import Report

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Patch:
    """The operations on one format's body, each by path. Calling it never changes its argument."""

    drop: tuple[str, ...] = ()
    rename: dict[str, str] = field(default_factory=dict)
    set: dict[str, Any] = field(default_factory=dict)
    default: dict[str, Any] = field(default_factory=dict)
    clamp: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
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
        """The patched body. What is dropped, clamped or mapped is reported; renaming and defaults lose nothing.
        Gives `body` itself when there was nothing to do."""
        patched = copy.deepcopy(body) if self._touches(body) else body
        for path in self.drop:
            for holder, key, where in _found(patched, path):
                del holder[key]
                report.dropped(where, "this upstream refuses it")
        for old, new in self.rename.items():
            for holder, key, _ in _found(patched, old):
                holder[new.rsplit(".", 1)[-1]] = holder.pop(key)
        for path, value in self.set.items():
            _put(patched, path, value, replace=True)
        for path, value in self.default.items():
            _put(patched, path, value, replace=False)
        for path, (low, high) in self.clamp.items():
            for holder, key, where in _found(patched, path):
                _clamp(holder, key, where, low, high, report)
        for path, mapping in self.values.items():
            for holder, key, where in _found(patched, path):
                _map(holder, key, where, mapping, report)
        return patched

    def _touches(self, body: Json) -> bool:
        paths = (*self.drop, *self.rename, *self.clamp, *self.values)
        return bool(self.set or self.default) or any(next(_found(body, path), None) for path in paths)


def _found(body: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """(holder, key, path) of each place that a path names and that exists. A `*` in a name is a glob."""
    yield from _walk(body, path.replace("[*]", ".[*]").split("."), "")


def _walk(node: Any, steps: list[str], where: str) -> Iterator[tuple[Any, Any, str]]:
    step, rest = steps[0], steps[1:]
    if step == "[*]":
        for number, each in enumerate(node if isinstance(node, list) else ()):
            if rest:
                yield from _walk(each, rest, f"{where}[{number}]")
        return
    if not isinstance(node, dict):
        return
    for key in [key for key in node if fnmatch.fnmatchcase(key, step)]:
        place = f"{where}.{key}" if where else key
        if rest:
            yield from _walk(node[key], rest, place)
        else:
            yield node, key, place


def _put(body: Json, path: str, value: Any, replace: bool) -> None:
    """Sets a plain path, making the objects on the way."""
    *way, last = path.split(".")
    for step in way:
        body = body.setdefault(step, {})
    if replace or body.get(last) is None:
        body[last] = copy.deepcopy(value)


def _clamp(holder: Any, key: Any, where: str, low: float | None, high: float | None, report: Report) -> None:
    value = holder[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    nearest = low if low is not None and value < low else high if high is not None and value > high else value
    if nearest != value:
        holder[key] = nearest
        report.approximated(where, f"{value} became {nearest}")


def _map(holder: Any, key: Any, where: str, mapping: dict[str, Any], report: Report) -> None:
    """Replaces a value that the mapping has; the target false drops the field."""
    value = holder[key]
    if not isinstance(value, str) or value not in mapping:
        return
    target = mapping[value]
    if target is False:
        del holder[key]
        report.dropped(where, f"{value} is not known here")
    else:
        holder[key] = target
        report.approximated(where, f"{value} became {target}")
