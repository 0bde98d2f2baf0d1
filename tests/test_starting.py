from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATCHED = """
import sys
from importlib import metadata
from convert.starting import StartingWorker

path, read = sys.argv[1], []
sys.path.insert(0, path)
distributions = metadata.distributions
metadata.distributions = lambda *asked, **more: read.append(1) or distributions(*asked, **more)
asked = metadata.entry_points
worker = StartingWorker.__new__(StartingWorker)
worker.sockets = []
worker.patch()
assert metadata.entry_points is asked
assert len(read) == 1
import gevent.socket, plugin, socket
assert socket.socket is gevent.socket.socket
assert plugin.seen == ["GeventWillPatchAllEvent"]
print("fine")
"""
FROZEN = """
import gc
from gunicorn.config import Config
from convert.starting import StartingWorker

frozen = gc.get_freeze_count()
StartingWorker(1, 1, [], None, 30, Config(), None)
assert gc.get_freeze_count() > frozen + 10_000
print("fine")
"""


def run(code: str, *arguments: str) -> str:
    """What a process of its own prints."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    return done.stdout or done.stderr


def test_plugins_of_gevent_are_looked_for_once_and_called(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text("seen = []\ndef note(event): seen.append(type(event).__name__)\n")
    about = tmp_path / "plugin-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[gevent.plugins.monkey.will_patch_all]\nnote = plugin:note\n")
    assert run(PATCHED, str(tmp_path)) == "fine\n"


def test_the_collector_leaves_alone_what_the_master_has_loaded() -> None:
    assert run(FROZEN) == "fine\n"
