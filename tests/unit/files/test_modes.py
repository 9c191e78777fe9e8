"""Modes and owners as people write them, against chmod(1) of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from backend.errors import Code, ConfigError
from backend.files.modes import OwnerChange, parse_mode, parse_owner


@pytest.mark.parametrize("old", [0o000, 0o644, 0o755, 0o600, 0o4711, 0o1777])
@pytest.mark.parametrize(
    "text", ["640", "u+x", "go-w", "a=rX", "u=rwx,g=rx,o=", "g=u", "o=g,u-w", "+x", "-w", "u+s", "g-s", "a+X", "u=rw-w"]
)
@pytest.mark.parametrize("is_directory", [False, True])
def test_a_mode_becomes_what_chmod_makes_of_it(tmp_path: Path, old: int, text: str, is_directory: bool) -> None:
    path = tmp_path / "it"
    path.mkdir() if is_directory else path.touch()
    path.chmod(old)
    subprocess.run(["sh", "-c", 'umask 022; exec chmod -- "$0" "$1"', text, str(path)], check=True)
    wanted = path.stat().st_mode & 0o777
    assert parse_mode(text).applied(old, is_directory=is_directory) & 0o777 == wanted


@pytest.mark.parametrize("text", ["", "8", "12345", "u+k", "rwx", "u", "u+x,", "+x go"])
def test_what_is_no_mode_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_mode(text)
    assert caught.value.code is Code.USAGE


def test_owners_are_users_groups_or_both() -> None:
    assert parse_owner("deploy") == OwnerChange("deploy", None)
    assert parse_owner("deploy:www-data") == OwnerChange("deploy", "www-data")
    assert parse_owner(":33") == OwnerChange(None, "33")
    for text in ("", ":", "a:", "a b", "a/b"):
        with pytest.raises(ConfigError):
            parse_owner(text)
