"""Many small questions to a host, put together into few."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from backend.tasks import cancel_all

MOST_AT_ONCE = 500
"""Files of one question."""
MOST_BYTES = 256 << 20
"""Bytes of the files of one question, which bound how long its answer takes."""

Ask = Callable[[Mapping[bytes, int]], Awaitable[Mapping[bytes, bytes] | str]]
"""SHA-256 of files, given with their sizes; or why there is no answer."""


class Batches:
    """While one question is under way the next one collects."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._waiting: dict[bytes, int] = {}
        self._answers: dict[bytes, asyncio.Future[bytes | str | None]] = {}
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, path: bytes, size: int) -> bytes | str | None:
        """The digest of `path`; None when the host could not read it, and a text why it does not say at all."""
        answer = self._answers.get(path)
        if answer is None:
            answer = self._answers[path] = asyncio.get_running_loop().create_future()
            self._waiting[path] = size
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await asyncio.shield(answer)

    async def _work(self) -> None:
        await asyncio.sleep(0)  # those who ask in the same turn of the loop go along
        while self._waiting:
            batch = self._take()
            try:
                found = await self._ask(batch)
            except Exception as error:
                for path in batch:
                    self._fail(path, error)
                continue
            for path in batch:
                answer = self._answers.pop(path)
                if not answer.done():
                    answer.set_result(found if isinstance(found, str) else found.get(path))

    def _take(self) -> dict[bytes, int]:
        batch: dict[bytes, int] = {}
        size = 0
        for path, bytes_of in self._waiting.items():
            if batch and (len(batch) >= MOST_AT_ONCE or size + bytes_of > MOST_BYTES):
                break
            batch[path] = bytes_of
            size += bytes_of
        for path in batch:
            del self._waiting[path]
        return batch

    def _fail(self, path: bytes, error: Exception) -> None:
        answer = self._answers.pop(path)
        if not answer.done():
            answer.set_exception(error)
            answer.exception()  # looked at: whoever still waits is told all the same

    async def close(self) -> None:
        """Nobody will ask any more."""
        if self._worker is not None:
            await cancel_all([self._worker])
