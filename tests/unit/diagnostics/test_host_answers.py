"""What a host answers about itself: only marked lines count, and no answer can do harm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.diagnostics.host_answers import (
    answers,
    facts_script,
    first,
    modules_script,
    read_modules,
    read_room,
    room_script,
    write_script,
)

MARK = "fairlead-0123456789abcdef"


def asked(script: bytes, shell: tuple[str, ...], home: Path, **env: str) -> dict[str, tuple[str, ...]]:
    done = subprocess.run(
        [*shell, "-s"],
        input=script,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "SHELL": "/bin/zsh", **env},
        check=True,
    )
    return answers(done.stdout, MARK)


@pytest.mark.parametrize("shell", [("sh",), ("bash",), ("busybox", "sh")], ids=lambda words: words[0])
def test_the_scripts_run_in_any_posix_shell(shell: tuple[str, ...], tmp_path: Path) -> None:
    facts = asked(facts_script(MARK), shell, tmp_path)
    assert (first(facts, "shell"), first(facts, "home")) == ("/bin/zsh", str(tmp_path))
    assert facts["home_is"] == ("directory", "writable")
    room = read_room(asked(room_script(MARK), shell, tmp_path))
    assert room is not None
    assert 0 < room[0] <= room[1]
    assert first(asked(write_script(MARK, ".probe"), shell, tmp_path), "written") == "yes"
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_missing_or_cannot_be_written_is_told(tmp_path: Path) -> None:
    assert "home_is" not in asked(facts_script(MARK), ("sh",), tmp_path / "missing")
    assert "written" not in asked(write_script(MARK, ".probe"), ("sh",), tmp_path / "missing")


def test_a_file_that_is_there_already_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    assert "written" not in asked(write_script(MARK, "kept"), ("sh",), tmp_path)
    assert (tmp_path / "kept").is_dir()


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"LMOD_VERSION": "8.7.55", "MODULESHOME": "/opt/lmod"}, ("Lmod", "8.7.55")),
        ({"MODULESHOME": "/usr/share/modules"}, ("Environment Modules", "")),
        ({}, ("", "")),
    ],
    ids=["lmod", "environment modules", "none"],
)
def test_the_module_system_is_known_by_its_variables(
    env: dict[str, str], expected: tuple[str, str], tmp_path: Path
) -> None:
    login = tmp_path / "bash"  # one whose start files, which may set up a module system, are not read
    login.write_text('#!/bin/sh\nexec /bin/bash -c "$2"\n')
    login.chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    modules = read_modules(asked(modules_script(MARK), ("sh",), tmp_path, PATH=path, **env))
    assert (modules.system, modules.version, modules.usable) == (*expected, False)


def test_a_login_file_that_defines_module_makes_it_usable(tmp_path: Path) -> None:
    (tmp_path / ".profile").write_text("echo welcome\nmodule() { :; }\n")
    assert read_modules(asked(modules_script(MARK), ("sh",), tmp_path)).usable


@given(noise=st.binary(max_size=200))
def test_noise_is_never_an_answer_and_answers_are_safe_to_show(noise: bytes) -> None:
    found = answers(noise + b"\n" + MARK.encode() + b" home /x\x1b[2J" + noise, MARK)
    assert all(text.isprintable() or "\x1b" not in text for texts in found.values() for text in texts)
    assert any(text.startswith("/x") for text in found["home"])
    read_room(found)
    read_modules(found)
