"""Where a plan is kept: in memory while it is small, else in a file without a name, so that a tree of any size fits.

Paths of a plan may be many; they are written as they are found and read as they are carried out, in their order.
"""

from __future__ import annotations

import asyncio
import json
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, TypeVar

from backend.connection.connector import FileKind
from backend.errors import FileError
from backend.files.problems import local_error
from backend.files.sync.model import Action, Do, Reason

T = TypeVar("T")

IN_MEMORY = 4 << 20
"""Bytes that stay in memory."""
BATCH = 256
"""Actions that are written and read together."""


class Spool:
    """Actions in their order. Written once, read as often as one likes; the file goes with `close`."""

    def __init__(self, directory: Path) -> None:
        """`directory`: where the file is made when it is needed. Raises FileError from `add` when its disk is full."""
        self._directory = directory
        self._file: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(IN_MEMORY, dir=str(directory))  # noqa: SIM115
        self._waiting: list[Action] = []
        self._ends = array("Q", [0])
        """Where each batch ends."""
        self._lock = asyncio.Lock()
        self.count = 0

    async def add(self, actions: Sequence[Action]) -> None:
        """Put `actions` at the end."""
        self._waiting += actions
        self.count += len(actions)
        if len(self._waiting) >= BATCH:
            await self._flush()

    async def batches(self) -> AsyncIterator[list[Action]]:
        """Everything from the start, some hundred at a time."""
        await self._flush()
        for number in range(len(self._ends) - 1):
            async with self._lock:
                start, end = self._ends[number], self._ends[number + 1]
                text = await self._quickly(partial(self._read, start, end), self._ends[-1])
            yield [_action(json.loads(line)) for line in text.splitlines()]
            await asyncio.sleep(0)  # what is in memory is read without waiting: others have their turn all the same

    async def _flush(self) -> None:
        async with self._lock:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                text = b"".join(json.dumps(_plain(action)).encode() + b"\n" for action in batch)
                try:
                    await self._quickly(partial(self._write, text), self._ends[-1] + len(text))
                except OSError as error:
                    raise self._failed(error) from error
                self._ends.append(self._ends[-1] + len(text))
                await asyncio.sleep(0)

    async def _quickly(self, work: Callable[[], T], size: int) -> T:
        """`work`; in a thread once the whole of it, `size` bytes, is on the disk."""
        return work() if size <= IN_MEMORY else await asyncio.to_thread(work)

    def _write(self, text: bytes) -> None:
        self._file.seek(self._ends[-1])
        self._file.write(text)

    def _read(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(end - start)

    def _failed(self, error: OSError) -> FileError:
        return local_error(error, bytes(self._directory))

    def close(self) -> None:
        self._file.close()


def _plain(action: Action) -> list[Any]:
    points_to = None if action.points_to is None else action.points_to.decode("latin-1")
    return [
        action.do,
        [part.decode("latin-1") for part in action.parts],
        action.kind,
        action.reason,
        action.size,
        action.mode,
        action.modified,
        action.was,
        action.opens,
        points_to,
    ]


def _action(plain: list[Any]) -> Action:
    do, parts, kind, reason, size, mode, modified, was, opens, points_to = plain
    return Action(
        Do(do),
        tuple(part.encode("latin-1") for part in parts),
        FileKind(kind),
        Reason(reason),
        size,
        mode,
        modified,
        None if was is None else FileKind(was),
        opens,
        None if points_to is None else points_to.encode("latin-1"),
    )
