"""The file that a report goes to."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from backend.errors import Code, ConfigError, FileError
from backend.reports.target_file import TargetFile


def test_it_is_for_its_owner_and_says_what_it_replaced(tmp_path: Path) -> None:
    target = TargetFile(tmp_path / "a.md")
    assert target.write(b"one") is False
    assert target.write(b"two") is True
    assert target.path.read_bytes() == b"two"
    assert target.path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target.path]


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    TargetFile(tmp_path / "link.md").write(b"x")
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "real.md").read_bytes() == b"x"


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    target = TargetFile(pipe)
    target.check()
    target.write(b"x")
    reader.join(10)
    assert got == [b"x"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", [".", "gone/a.md"])
def test_where_nothing_can_be_written_is_known_beforehand(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        TargetFile(tmp_path / name).check()
    assert caught.value.code is Code.USAGE


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").symlink_to(tmp_path / "b.md")
    (tmp_path / "b.md").symlink_to(tmp_path / "a.md")
    with pytest.raises(ConfigError) as caught:
        TargetFile(tmp_path / "a.md").check()
    assert "leads back to itself" in caught.value.evidence["problem"]


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError) as caught:
        TargetFile(path).write(b"new")
    assert caught.value.code is Code.DISK_FULL
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
