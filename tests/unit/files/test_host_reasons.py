"""Why a host lets nothing be written, found out by its own shell."""

from __future__ import annotations

import os
from pathlib import Path

from backend.files.host_reasons import why_not_written
from tests.support.memory_files import TARGET, DirectoryHost
from tests.support.worlds import Person


async def test_where_writing_works_nothing_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    link = await DirectoryHost(tmp_path).connect(TARGET, Person())
    assert await why_not_written(link, os.fsencode(tmp_path / "it's new")) is None
    assert list(tmp_path.iterdir()) == []


async def test_a_host_without_commands_gives_no_reason(tmp_path: Path) -> None:
    host = DirectoryHost(tmp_path)
    host.faults.no_commands = True
    assert await why_not_written(await host.connect(TARGET, Person()), b"/x") is None
