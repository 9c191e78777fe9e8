"""`fairlead run` in all its ways against a real server: scripts, several commands, repeats, lists of commands."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, Ran, ssh_config

pytestmark = pytest.mark.sshd


class Box:
    """A host called `box`, the program, and its settings."""

    def __init__(self, program: Program, config: Path) -> None:
        self.program, self.config = program, config
        self.settings = program.home / "config.toml"
        self.settings.write_text("")

    def run(self, *arguments: str, stdin: bytes = b"") -> Ran:
        """With nobody to ask."""
        flags = ("-F", str(self.config), "--config", str(self.settings), "--batch")
        return self.program.run(*flags, "run", *arguments, stdin=stdin)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
    root = tmp_path_factory.mktemp("box")
    key = make_key(root / "key")
    temporary = root / "tmp"
    temporary.mkdir()
    with sshd(root / "server", f"SetEnv TMPDIR={temporary}") as running:
        yield running, ssh_config(root / "ssh_config", {"box": running}, key)


@pytest.fixture
def box(server: tuple[Sshd, Path], tmp_path: Path) -> Iterator[Box]:
    yield Box(Program(tmp_path), server[1])
    assert list((server[0].root.parent / "tmp").iterdir()) == [], "a script was left on the host"


def test_a_script_gets_its_arguments_and_its_status_comes_back(box: Box) -> None:
    script = box.program.home / "check.py"
    script.write_text("import sys\nprint(sys.argv[1:], sys.stdin.read())\nsys.exit(7)\n")
    ran = box.run("box", "--script", "check.py", "--interpreter", "python3 -u", "--", "a b", "it's", stdin=b"in")
    assert (ran.status, ran.out) == (7, b"['a b', \"it's\"] in\n")


def test_a_shell_script_runs_in_its_directory_and_with_its_variables(box: Box) -> None:
    (box.program.home / "x.sh").write_text('#!/bin/sh\npwd; echo "$FL $1"\n')
    ran = box.run("box", "--script", "x.sh", "--cwd", "/usr", "--env", "FL=a 'b'", "--", "c")
    assert ran.out == b"/usr\na 'b' c\n"


def test_several_commands_stop_at_the_first_that_fails(box: Box) -> None:
    ran = box.run("--then", "echo two; exit 3", "--then", "echo three", "box", "echo one")
    assert (ran.status, ran.out) == (3, b"one\ntwo\n")
    assert b"3. echo three: not started" in ran.err


def test_each_command_of_a_file_has_an_outcome(box: Box) -> None:
    (box.program.home / "steps").write_text("# what to do\necho one\n\nfalse\necho three\n")
    ran = box.run("--json", "--keep-going", "--sequence", "steps", "box")
    steps = json.loads(ran.out)["steps"]
    assert [(step["command"], step["exit_status"], step["stdout"]) for step in steps] == [
        ("echo one", 0, "one\n"),
        ("false", 1, ""),
        ("echo three", 0, "three\n"),
    ]
    assert ran.status == 1


def test_what_may_be_repeated_is_run_until_it_succeeds(box: Box, tmp_path: Path) -> None:
    command = f"echo x >> {tmp_path}/tries; test $(wc -l < {tmp_path}/tries) -ge 2"
    assert box.run("--retry", "3", "box", "--", command).status == 2
    assert not (tmp_path / "tries").exists(), "nobody has said that it may be repeated"
    assert box.run("--retry", "3", "--repeatable", "box", "--", command).status == 0
    assert (tmp_path / "tries").read_text() == "x\nx\n"


def test_what_a_list_denies_never_runs_whatever_yes_says(box: Box, tmp_path: Path) -> None:
    box.settings.write_text('[defaults]\ncommands = { deny = ["touch"] }\n')
    (tmp_path / "x.sh").write_text(f"cd / && touch {tmp_path}/never\n")
    never = f"touch {tmp_path}/never"
    for call in ([never], [f"sh -c '{never}'"], ["--script", "x.sh"], ["--then", never, "true"]):
        options, words = call[:-1], call[-1:]
        ran = box.run("--yes", *options, *(words if options == ["--script"] else []), "box",
                      *([] if options == ["--script"] else words))  # fmt: skip
        assert ran.status == 2, call
        assert b"COMMAND_DENIED" in ran.err
        assert b"[defaults]" in ran.err
    queued = box.program.run(
        *("-F", str(box.config), "--config", str(box.settings), "--batch", "--yes"),
        *("queue", "add", "box", "--", never),
    )
    assert queued.status == 2
    assert b"COMMAND_DENIED" in queued.err
    job = box.program.run(
        *("-F", str(box.config), "--config", str(box.settings), "--batch", "--yes"),
        *("jobs", "box", "start", "--", never),
    )
    assert job.status == 2
    assert b"COMMAND_DENIED" in job.err
    for submitted in (["--wrap", never], [str(tmp_path / "x.sh")]):
        asked = box.program.run(
            *("-F", str(box.config), "--config", str(box.settings), "--batch", "--yes"),
            *("slurm", "box", "submit", *submitted),
        )
        assert asked.status == 2, submitted
        assert b"COMMAND_DENIED" in asked.err
    many = box.run("--yes", "--hosts", "box", "--", never)
    assert b"may not run there" in many.out + many.err
    assert not (tmp_path / "never").exists()


def test_what_is_dangerous_is_not_run_unasked(box: Box, tmp_path: Path) -> None:
    """Stand-ins on the PATH: nothing is wrecked where this fails."""
    place = tmp_path / "bin"
    place.mkdir()
    (place / "reboot").write_text(f"#!/bin/sh\ntouch {tmp_path}/done\n")
    (place / "reboot").chmod(0o755)
    ran = box.run("box", "--", f"{place}/reboot")
    assert (ran.status, (tmp_path / "done").exists()) == (2, False)
    assert b"stops the host" in ran.err
    assert b"COMMAND_DANGEROUS" in ran.err
    assert box.run("--yes", "box", "--", f"{place}/reboot").status == 0
    assert (tmp_path / "done").exists()


def test_text_in_the_hosts_encoding(box: Box) -> None:
    ran = box.run("--json", "--encoding", "latin-1", "box", "--", "printf 'caf\\351 %s' é | od -An -c; printf '\\351'")
    said = json.loads(ran.out)
    assert "351" in said["stdout"].split("\n")[0]
    assert said["stdout"].endswith("é")
    assert box.run("--encoding", "latin-1", "box", "--", "printf é").out == "é".encode("latin-1")
    assert os.fsencode("é") not in box.run("--encoding", "koi8-r", "box", "--", "printf ц").out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--as", "mara", "box", "true"],
        ["--sudo", "--su", "box", "true"],
        ["--interpreter", "sh", "box", "true"],
        ["--encoding", "klingon", "box", "true"],
        ["--script", "x", "--then", "true", "box"],
        ["--sequence", "x", "box", "true"],
        ["box"],
        ["--retry", "2", "box", "true"],
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_runs(box: Box, arguments: list[str]) -> None:
    assert box.run(*arguments).status == 2
