"""The state directory's one SQLite file (WAL): transfer journal, known routes, history.

Every statement runs in the store's own thread, so the event loop never waits for a disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Store:
    """The database. `open` before use, `close` at the end."""

    def __init__(self, path: Path) -> None:
        raise NotImplementedError

    async def open(self) -> None:
        """Make or migrate the file (mode 0600, directory 0700). Raises ConfigError when it cannot be used."""
        raise NotImplementedError

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` in one transaction, in the store's thread; rolled back when it raises."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
