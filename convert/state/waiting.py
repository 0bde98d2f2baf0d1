"""Where sealed state waits for its tool call to come back: the database, for as long as there is one.

It is a help, not a promise: without the database a conversation goes on, as one whose upstream was changed does.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from convert import sse
from convert.errors import ProxyError
from convert.state.memory import Memory

log = logging.getLogger(__name__)
Json = dict[str, Any]


class Waiting:
    """The state that waits for the calls of one tenant."""

    def __init__(self, memory: Memory, tenant: str) -> None:
        self.memory = memory
        self.tenant = tenant

    def keep(self, found: dict[str, Json]) -> None:
        """Stores what waits, by call id."""
        from convert.store import seals

        values = {call: sse.dumps(value) for call, value in found.items()}
        try:
            self.memory.run(lambda connection: seals.keep(connection, self.tenant, values))
        except ProxyError:
            log.warning("sealed reasoning could not be stored; its conversation goes on without")

    def recall(self, calls: list[str]) -> Mapping[str, Json]:
        """What waits for those of the calls that have something."""
        from convert.store import seals

        try:
            found = self.memory.run(lambda connection: seals.recall(connection, self.tenant, calls))
        except ProxyError:
            return {}
        return {call: sse.loads(value) for call, value in found.items()}
