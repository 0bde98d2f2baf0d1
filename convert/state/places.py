"""Where in the client's own request a fault lies, when the converted one begins with a history that it did not send."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from convert.errors import ProxyError
from convert.losses import Report

_ITEM = re.compile(r"\binput\[(\d+)\](\S*?)(?=[\s,:;']|$)")


@dataclass(frozen=True, slots=True)
class Places:
    """`count`: how many items of the converted input are history; `name`: the field that brought them in. As a context
    it raises the errors of what is done inside in the client's terms."""

    count: int = 0
    name: str = "previous_response_id"

    def path(self, text: str) -> str:
        """A path, or a text with paths in it, in the client's terms: an item of the history is named by what brought
        it in, any other by its number in the client's `input`."""
        return _ITEM.sub(self._moved, text) if self.count else text

    def _moved(self, found: re.Match[str]) -> str:
        number = int(found[1])
        return self.name if number < self.count else f"input[{number - self.count}]{found[2]}"

    def error(self, error: ProxyError) -> ProxyError:
        """The same error, told in the client's terms."""
        error.message = self.path(error.message)
        error.param = error.param and self.path(error.param)
        return error

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, ProxyError):
            self.error(error)

    def losses(self, report: Report) -> None:
        """Puts the losses in the client's terms."""
        if self.count:
            report.losses = [dataclasses.replace(loss, path=self.path(loss.path)) for loss in report.losses]
