"""Who works on what the store holds: one process at a time, seen by all others to be alive or gone.

Who begins with a row takes a lease on it and renews it. A lease is over when its time is up or when its holder is
gone; a holder that is seen to be alive keeps it, however long the machine has slept. What becomes of a row whose lease
is over is decided where the row belongs.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path

from backend.clock import Clock
from backend.files.locks import lock_file
from backend.files.problems import local_error
from backend.store import make_private

LEASE = 60.0
"""Seconds for which a row belongs to the process that has begun with it."""
RENEW_EVERY = LEASE / 3


class Life(Enum):
    """What is seen of a holder."""

    ALIVE = "alive"
    GONE = "gone"
    UNKNOWN = "unknown"
    """The system has no locks: only the time of its lease tells."""


class Holder:
    """A service of this process, as holder of leases: alive as long as it holds the lock of a file of its own.

    The lock (flock(2)) ends with the process however it ends. All methods block.
    """

    def __init__(self, directory: Path) -> None:
        """`directory` has the files of all holders; it belongs to the state directory."""
        self.name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._directory = directory
        self._descriptor: int | None = None
        self._sees = sys.platform != "win32"

    def begin(self) -> None:
        """Be seen to be alive; to be called before the first lease is taken. Raises FileError."""
        if self._descriptor is None:
            path = self._directory / self.name
            try:
                self._begin(path)
            except OSError as error:
                raise local_error(error, bytes(path)) from error

    def _begin(self, path: Path) -> None:
        make_private(path)
        self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        lock_file(self._descriptor)
        self._sees = self._sees and not _lockable(path)

    def life_of(self, name: str) -> Life:
        """Whether the holder called `name` is still there."""
        if name == self.name:
            return Life.ALIVE
        path = self._directory / name
        if not self._sees:
            return Life.UNKNOWN
        try:
            alive = not _lockable(path)
        except FileNotFoundError:
            return Life.GONE
        except OSError:
            return Life.UNKNOWN
        if not alive:
            with suppress(OSError):
                path.unlink()
        return Life.ALIVE if alive else Life.GONE

    def close(self) -> None:
        """Everything of this holder is over. Harmless when repeated."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                (self._directory / self.name).unlink()
            os.close(descriptor)


def _lockable(path: Path) -> bool:
    """Whether nobody holds the lock of this file. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    try:
        return lock_file(descriptor)
    finally:
        os.close(descriptor)


def settle_leases(db: sqlite3.Connection, table: str, life_of: Callable[[str], Life], now: float) -> None:
    """Let `lease <= now` in `table`, with the columns `owner` and `lease`, be true of the leases that are over."""
    query = f"SELECT owner, min(lease) FROM {table} WHERE owner IS NOT NULL GROUP BY owner"  # noqa: S608 - our own name
    rows = db.execute(query).fetchall()
    for owner, lease in rows:
        life = life_of(owner)
        if life is Life.GONE:
            db.execute(f"UPDATE {table} SET lease = ? WHERE owner = ? AND lease > ?", (now, owner, now))  # noqa: S608
        elif life is Life.ALIVE and lease <= now:
            db.execute(f"UPDATE {table} SET lease = ? WHERE owner = ?", (now + RENEW_EVERY, owner))  # noqa: S608


async def keep(renew: Callable[[], Awaitable[bool]], clock: Clock) -> None:
    """Renew a lease again and again, until it is no longer ours."""
    while await renew():
        await clock.sleep(RENEW_EVERY)
