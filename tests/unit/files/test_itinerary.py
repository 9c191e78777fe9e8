"""From the words of a request to what goes where."""

from __future__ import annotations

import asyncio
from pathlib import Path

from backend.connection.connector import Attributes
from backend.errors import FileError
from backend.files.itinerary import LOOKS_AT_ONCE, plan_itinerary
from backend.files.local import LocalFileSystem
from backend.files.model import Direction, TransferRequest


class FarFiles(LocalFileSystem):
    """Answers when so many are asked for at once as may be."""

    def __init__(self) -> None:
        super().__init__()
        self._barrier = asyncio.Barrier(LOOKS_AT_ONCE)

    async def stat(self, path: bytes, *, follow: bool = True) -> Attributes:
        await self._barrier.wait()
        return await super().stat(path, follow=follow)


async def test_many_sources_are_looked_at_at_once_and_stay_in_their_order(tmp_path: Path) -> None:
    sources = [tmp_path / f"{number}" for number in range(3 * LOOKS_AT_ONCE)]
    for source in sources:
        source.touch()
    sources[5].unlink()
    gone: list[bytes] = []

    def missing(path: bytes, error: FileError) -> None:
        gone.append(path)

    request = TransferRequest(Direction.GET, "web-1", tuple(map(str, sources)), f"{tmp_path}/goal/")
    async with asyncio.timeout(20):
        itinerary = await plan_itinerary(request, origin=FarFiles(), goal=LocalFileSystem(), missing=missing)
    assert gone == [bytes(sources.pop(5))]
    assert [placed.source.path for placed in itinerary.placed] == [bytes(source) for source in sources]
