"""A process that makes background responses: `python -m convert.worker`, the `worker` of the Procfile.

It has the settings of the web process. How many it makes at a time: CONVERT_BACKGROUND_THREADS, or 4.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

from convert import ROOT, create_app  # noqa: E402 - patched first
from convert.api.later import queue_of  # noqa: E402
from convert.settings import load  # noqa: E402


def main() -> None:
    """Works until it is told to stop (SIGTERM, SIGINT), and ends what it has begun."""
    app = create_app(load(ROOT / "wsgi.ini"))
    queue_of(app).serve(app.extensions["convert"].settings.background_threads or 4)


if __name__ == "__main__":
    main()
