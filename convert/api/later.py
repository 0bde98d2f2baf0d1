"""Accepts background responses: stored and queued at once, made when there is time."""

from __future__ import annotations

import logging
import time
from typing import Any, cast

from flask import Flask, Response

from convert.api import pages
from convert.api.serving import Plan, State, hangup_of_client, headers_of_client, state
from convert.background import run
from convert.background.queue import Queue
from convert.background.work import Work
from convert.errors import ProxyError
from convert.state import follow
from convert.state.turn import Turn

log = logging.getLogger(__name__)
SETTLED = 5.0  # seconds after which a response that waits should be in the queue
AT_ONCE = 100  # lost responses that are queued again at once


def accept(planned: Plan, turn: Turn, written: dict[str, Any]) -> Response:
    """Queues a response; its client is told so, or follows its stream. `written`: the body for the upstream. Raises
    ProxyError (overloaded) where it cannot be queued."""
    route, exchange = planned.route, planned.exchange
    headers = route.headers(exchange.client, headers_of_client(), True)
    url = route.url(str(written.get("model", turn.asked.get("model", ""))), True)
    work = Work(route.upstream.name, url, turn.asked, exchange.asked, headers)
    told = {**turn.shell(), "status": "queued"}
    queue = queue_of(state())
    turn.queue(told, run.opening(turn), work.sealed(turn.memory))
    put(queue, turn.tenant, turn.id)
    queue.start(state().settings.background_threads)
    if turn.asked.get("stream"):
        frames = follow.follow(turn.memory, turn.tenant, turn.id, -1, hangup_of_client())
        return pages.stream(frames)
    return pages.answer(follow.shown(turn.row(told)))


def queue_of(here: State) -> Queue:
    """The app's queue, opened when it is first needed. Raises ProxyError (overloaded) when it cannot be."""
    if here.queue is None:
        try:
            here.queue = Queue(here.settings, lambda tenant, response: made(here, tenant, response))
        except Exception as error:  # each storage has exceptions of its own
            log.error("the queue cannot be used: %s", said(error))
            message = "The proxy's task queue is not available. Try again."
            raise ProxyError("overloaded", message, retry_after="5") from error
        here.recorder.idle = lambda: find_lost(here)
    here.recorder.start()
    return here.queue


def made(here: State, tenant: str, response: str) -> None:
    """Makes a response that comes out of the queue; one that cannot be now, for the database, is found later."""
    try:
        run.make(here, tenant, response)
    except ProxyError as error:
        log.warning("background response %s is left for later: %s", response, error.message)


def put(queue: Queue, tenant: str, response: str) -> None:
    """Puts a response into the queue. One that cannot be put there stays queued in the database, and is found."""
    try:
        queue.put(tenant, response)
    except Exception as error:  # each storage has exceptions of its own
        log.warning("the queue cannot be used, and is tried again: %s", said(error))


def find_lost(here: State) -> None:
    """Puts what waits in the database into a queue that is empty: entries were lost with a process, or never made.
    Raises ProxyError (overloaded)."""
    from convert.store import responses

    queue = queue_of(here)
    try:
        empty = queue.empty()
    except Exception as error:  # each storage has exceptions of its own
        log.warning("the queue cannot be used, and is tried again: %s", said(error))
        return
    if empty:
        since = time.time() - SETTLED
        for tenant, response in here.memory.run(lambda connection: responses.waiting(connection, since, AT_ONCE)):
            put(queue, tenant, response)


def said(error: Exception) -> str:
    """The first line of a storage's complaint."""
    return str(error).partition("\n")[0]


def resume(app: Flask) -> None:
    """Goes on with what was queued before this process began, where there is a database already."""
    here = cast(State, app.extensions["convert"])
    try:
        if here.memory.ready():
            queue_of(here).start(here.settings.background_threads)
    except ProxyError as error:
        log.warning("background work waits for its first request: %s", error.message)
