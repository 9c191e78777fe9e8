"""Files over commands, on a host whose commands print without end."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.connection.command_files.channel import CommandFiles, over_commands
from backend.errors import Code, FileError
from tests.support.memory_files import TARGET, DirectoryHost
from tests.support.person import Person


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[CommandFiles]:
    link = await DirectoryHost(tmp_path).connect(TARGET, Person())
    channel = await over_commands(link)
    assert channel is not None
    yield channel
    await channel.close()
    await link.close()


def prints_for_ever(monkeypatch: pytest.MonkeyPatch, directory: Path, name: str, line: str) -> None:
    """The host's `name` says `line` again and again."""
    directory.mkdir()
    (directory / name).write_text(f"#!/bin/sh\nexec {shutil.which('yes')} '{line}'\n")
    (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")


async def test_an_answer_without_end_is_not_waited_for(
    files: CommandFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to("somewhere")
    prints_for_ever(monkeypatch, tmp_path / "bin", "readlink", "somewhere")
    with pytest.raises(FileError) as caught:
        await files.readlink(os.fsencode(tmp_path / "link"))
    assert caught.value.code is Code.FILE_FAILED
    assert "more than" in caught.value.evidence["reason"]


async def test_a_listing_without_a_name_or_an_end_is_given_up(
    files: CommandFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints_for_ever(monkeypatch, tmp_path / "bin", "find", "welcome")
    with pytest.raises(FileError) as caught:
        _ = [batch async for batch in files.scan(os.fsencode(tmp_path))]
    assert "without an end" in caught.value.evidence["reason"]
