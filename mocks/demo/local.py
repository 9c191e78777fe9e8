"""Something for the local side of the Files screen in demo mode: a small project, the same every time."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from backend.clock import Clock, SystemClock
from backend.connection.sessions import Sessions
from backend.files.filesystem import Files, FileSystem
from backend.files.local import LocalFileSystem
from backend.production.guard import Permit
from mocks.content import noise

_TEXTS = {
    "notes.md": "# Notes\n\n- fetch the last checkpoint from gpu-7\n- put the report on web-1\n",
    "report/report.md": "# Orders, week 9\n\nUp by 4 %.\n",
    "report/figures.py": "import csv\n\n\ndef rows(file):\n    yield from csv.reader(file)\n",
    "deploy.yml": "host: web-1\nrelease: 42\n",
}
_BLOBS = {"data/orders.csv": 2_400_000, "data/products.csv": 310_000, "site.tar": 26_000_000, "logo.png": 48_211}


class ProjectLocalFiles(LocalFileSystem):
    """This machine's files; a pane begins in the small project, which is made when it is first asked for."""

    def __init__(self, project: Path) -> None:
        self._project = project

    async def start(self) -> bytes:
        return os.fsencode(await asyncio.to_thread(demo_local_tree, self._project))


class ProjectFiles(Files):
    """Both sides, the local one with the small project at `project`."""

    def __init__(self, *, sessions: Sessions, permit: Permit, project: Path) -> None:
        super().__init__(sessions=sessions, permit=permit)
        self._demo_local = ProjectLocalFiles(project)

    @property
    def local(self) -> FileSystem:
        return self._demo_local


def demo_local_tree(path: Path, clock: Clock | None = None) -> Path:
    """Fill `path` (made where missing) with about 29 MB; files that are there already are kept. Blocks.

    Returns `path`.
    """
    now = (clock or SystemClock()).now()
    made: list[Path] = []
    for name, text in _TEXTS.items():
        made += _place(path / name, text.encode())
    for number, (name, size) in enumerate(_BLOBS.items()):
        made += _place(path / name, noise(number)(0, size))
    for number in range(1, 13):
        made += _place(path / f"photos/harbour-{number:02}.jpg", noise(50 + number)(0, 40_000 + 977 * number))
    for number, file in enumerate(made):
        stamp = (now - timedelta(hours=5 * number + 1)).timestamp()
        os.utime(file, (stamp, stamp))
    return path


def _place(path: Path, data: bytes) -> list[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return []
    path.write_bytes(data)
    return [path]
