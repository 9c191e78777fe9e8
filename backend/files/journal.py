"""The transfer journal: what unfinished files and trees need to go on after anything, kept in the store."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence

from backend.clock import Clock
from backend.dataclass import dataclass
from backend.files.resume import Fingerprint, PartialRecord
from backend.store import Store

KEPT_SECONDS = 90 * 86400
"""Records of transfers that nobody went on with are dropped after ninety days."""


def journal_key(*parts: bytes) -> bytes:
    """The name of a transfer: what it copies, from where, to where."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


@dataclass(frozen=True, slots=True)
class FinishedItem:
    """One file of a tree that is in its place."""

    path: bytes
    """Source and destination, as the tree names them."""
    name: bytes
    """The last component it got, which a conflict may have changed."""
    size: int
    modified: float
    """Of the source; the copy has the same."""
    verified: bool


class Journal:
    """Reads and writes records; every call is one transaction in the store's thread."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def identity(self) -> bytes:
        """Sixteen random bytes that are this state directory's own, always the same."""
        row: tuple[bytes] = await self._store.run(lambda c: c.execute("SELECT id FROM identity").fetchone())
        return row[0]

    async def partial(self, key: bytes) -> PartialRecord | None:
        """What is known about an unfinished file."""

        def work(connection: sqlite3.Connection) -> PartialRecord | None:
            query = "SELECT size, modified, ends, mark FROM partials WHERE key = ?"
            row = connection.execute(query, (key,)).fetchone()
            return None if row is None else PartialRecord(Fingerprint(row[0], row[1], row[2]), row[3])

        return await self._store.run(work)

    async def begin(self, key: bytes, record: PartialRecord) -> None:
        """Write down that a file is being copied, before its first byte."""
        source = record.source
        row = (key, source.size, source.modified, source.ends, record.mark, self._now())
        await self._store.run(lambda c: c.execute("INSERT OR REPLACE INTO partials VALUES (?, ?, ?, ?, ?, ?)", row))

    async def advance(self, key: bytes, mark: int) -> None:
        """More of the file is certain."""
        row = (mark, self._now(), key)
        await self._store.run(lambda c: c.execute("UPDATE partials SET mark = ?, updated = ? WHERE key = ?", row))

    async def forget(self, key: bytes) -> None:
        """The file is in its place, or its partial is gone."""
        await self._store.run(lambda c: c.execute("DELETE FROM partials WHERE key = ?", (key,)))

    async def finished(self, tree: bytes) -> dict[bytes, FinishedItem]:
        """The items of an interrupted tree that need not be sent again, by path."""

        def work(connection: sqlite3.Connection) -> dict[bytes, FinishedItem]:
            query = "SELECT path, name, size, modified, verified FROM finished_items WHERE tree = ?"
            rows = connection.execute(query, (tree,))
            return {row[0]: FinishedItem(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows}

        return await self._store.run(work)

    async def add_finished(self, tree: bytes, items: Sequence[FinishedItem]) -> None:
        """These items are in their places."""
        rows = [(tree, item.path, item.name, item.size, item.modified, item.verified) for item in items]
        now = self._now()

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO finished_trees VALUES (?, ?)", (tree, now))
            connection.executemany("INSERT OR REPLACE INTO finished_items VALUES (?, ?, ?, ?, ?, ?)", rows)

        await self._store.run(work)

    async def forget_tree(self, tree: bytes) -> None:
        """The whole tree is in its place."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM finished_items WHERE tree = ?", (tree,))
            connection.execute("DELETE FROM finished_trees WHERE tree = ?", (tree,))

        await self._store.run(work)

    async def drop_old(self) -> None:
        """Forget what nobody went on with."""
        oldest = (self._now() - KEPT_SECONDS,)

        def work(connection: sqlite3.Connection) -> None:
            old = "SELECT tree FROM finished_trees WHERE updated < ?"
            connection.execute(f"DELETE FROM finished_items WHERE tree IN ({old})", oldest)  # noqa: S608 - constant
            connection.execute("DELETE FROM finished_trees WHERE updated < ?", oldest)
            connection.execute("DELETE FROM partials WHERE updated < ?", oldest)

        await self._store.run(work)
