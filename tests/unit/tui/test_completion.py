"""Completing names and paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.completion import NameCompletion, PathCompletion, fitting, key_files, paths


async def test_the_last_of_several_names_is_completed() -> None:
    completion = NameCompletion(lambda: ["bastion", "gate", "base"])
    assert await completion.get_suggestion("gate, ba") == "gate, bastion"
    assert await completion.get_suggestion("bastion,ba") == "bastion,base"
    assert await completion.get_suggestion("gate, ") is None
    assert await completion.get_suggestion("x") is None


def test_a_name_that_is_there_already_is_not_offered() -> None:
    assert fitting("", ["a", "b"], without=["a"]) == ["b"]
    assert fitting("a", ["a", "ab"]) == ["ab"]


async def test_a_path_is_completed_as_it_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "one").touch()
    assert await PathCompletion().get_suggestion("~/ke") == "~/keys/"
    assert await PathCompletion().get_suggestion(f"{tmp_path}/keys/o") == f"{tmp_path}/keys/one"
    assert await PathCompletion().get_suggestion("~/keys/one") is None
    assert await PathCompletion().get_suggestion("~/nowhere/x") is None


def test_names_that_cannot_be_typed_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m").touch()
    (tmp_path / "ab").touch()
    (tmp_path / ".hidden").touch()
    assert paths(f"{tmp_path}/a") == [f"{tmp_path}/ab"]
    assert paths(f"{tmp_path}/") == [f"{tmp_path}/ab", f"{tmp_path}/.hidden"]


def test_keys_are_found_by_their_public_halves(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    for name in ("id_ed25519", "id_ed25519.pub", "lab", "lab.pub", "known_hosts", "config", "lost.pub"):
        (tmp_path / ".ssh" / name).touch()
    assert key_files(tmp_path) == ["~/.ssh/id_ed25519", "~/.ssh/lab"]
    assert key_files(tmp_path / "nowhere") == []
