"""Checks that hub values hold what hub.py declares: text where text belongs, numbers where numbers do.

Readers copy values from a wire unseen. One of the wrong type is found here, where it came in, and does not trip a
writer in the middle of an answer.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from convert import hub

Check = Callable[[Any], None]
BOOKKEEPING = ("extra", "wire", "path")


class ShapeError(ValueError):
    """A value of the wrong type; `path`: the node that holds it, as it was on the wire."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path
        self.problem = problem


def check(value: Any) -> None:
    """Raises ShapeError when a field of a hub value, or of one inside of it, is not of its declared type."""
    _CHECKS[type(value)](value)


def delta(event: hub.Delta) -> None:
    """The same for the event that comes most often."""
    if type(event.text) is not str:
        raise ShapeError("", "a delta is not text")
    if event.logprobs is not None:
        _list_of_objects(event.logprobs)


class _Checks(dict[type, Check]):
    """The check of each type of hub values, made when it is first needed."""

    def __missing__(self, kind: type) -> Check:
        self[kind] = made = _made(kind)
        return made


_CHECKS = _Checks()


def _made(kind: Any) -> Check:
    """The check of a type, as a function with a line or two for each field: a loop over the fields would take three
    times as long, and a long history has thousands of values."""
    known: dict[str, Any] = {"fault": _fault}
    lines = ["def made(value):", " pass"]
    for name, right, inner in _fields(kind):
        known |= {f"{name}_right": right, f"{name}_inner": inner}
        lines.append(f" if type(held := value.{name}) not in {name}_right and not isinstance(held, {name}_right):")
        lines.append(f"  raise fault(value, '{name}')")
        if inner is not None:
            lines.append(f" if held: {name}_inner(held)")
    exec("\n".join(lines), known)
    return cast(Check, known["made"])


def _fault(value: Any, name: str) -> ShapeError:
    return ShapeError(getattr(value, "path", ""), f"`{name}` has a value of an unexpected type")


def _fields(kind: Any) -> Iterator[tuple[str, tuple[type, ...], Check | None]]:
    """(name, types of the value, check of what is inside) of each field that needs one."""
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind) if field.name not in BOOKKEEPING]
    return ((name, *found) for name in names if (found := _test(hints[name])))


def _test(hint: Any) -> tuple[tuple[type, ...], Check | None] | None:
    """The types and the check for a type hint; None where everything is right."""
    if hint is Any:
        return None
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if Any in options:
        return None
    allowed: list[type] = []
    inner: Check | None = None
    for option in options:
        origin = get_origin(option) or option
        if origin is Literal:
            origin = str
        elif origin is int or origin is float:
            allowed.append(float)
        allowed.append(origin)
        inner = inner or _inner(option, origin)
    return tuple(allowed), inner


def _inner(option: Any, origin: Any) -> Check | None:
    if origin is list:
        element = get_args(option)[0]
        return _list_of_objects if get_origin(element) is dict else _list_of_values
    return check if dataclasses.is_dataclass(origin) and origin is not hub.Sealed else None


def _list_of_values(values: list[Any]) -> None:
    for value in values:
        _CHECKS[type(value)](value)


def _list_of_objects(values: Any) -> None:
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ShapeError("", "a list holds something else than objects")
