"""A production host on a real server: looking is free, every way to change it asks, and nobody's silence is a yes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.on_terminal import OnTerminal, on_terminal
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, Ran, ssh_config

pytestmark = pytest.mark.sshd


class Box:
    """A production host called `box`, the program, and a directory there with a file in it."""

    def __init__(self, program: Program, config: Path, there: Path) -> None:
        self.program, self.config, self.there = program, config, there
        self.settings = program.home / "config.toml"
        self.settings.write_text("[hosts.box]\nssh_host = 'box'\nproduction = true\n")
        there.mkdir()
        (there / "kept").write_text("as it was\n")
        (program.home / "mine").write_text("new\n")
        (program.home / "src").mkdir()
        (program.home / "src" / "new").touch()

    @property
    def flags(self) -> tuple[str, ...]:
        return "-F", str(self.config), "--config", str(self.settings)

    def run(self, *arguments: str) -> Ran:
        """With nobody to ask."""
        return self.program.run(*self.flags, "--batch", *arguments)

    def at(self, name: str = "") -> str:
        return f"box:{self.there / name}"

    @property
    def untouched(self) -> bool:
        held = {path.name: path.read_text() for path in self.there.iterdir()}
        return held == {"kept": "as it was\n"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
    root = tmp_path_factory.mktemp("box")
    key = make_key(root / "key")
    with sshd(root / "server") as running:
        yield running, ssh_config(root / "ssh_config", {"box": running}, key)


@pytest.fixture
def box(server: tuple[Sshd, Path], tmp_path: Path) -> Box:
    return Box(Program(tmp_path), server[1], tmp_path / "there")


CHANGES: dict[str, tuple[str, ...]] = {
    "run": ("run", "box", "--", "rm THERE/kept"),
    "rm": ("rm", "box:THERE/kept"),
    "mkdir": ("mkdir", "box:THERE/new"),
    "touch": ("touch", "box:THERE/new"),
    "ln": ("ln", "-s", "kept", "box:THERE/new"),
    "mv": ("mv", "box:THERE/kept", "box:THERE/new"),
    "cp": ("cp", "box:THERE/kept", "box:THERE/new"),
    "chmod": ("chmod", "600", "box:THERE/kept"),
    "chown": ("chown", "0", "box:THERE/kept"),
    "put": ("put", "mine", "box:THERE/"),
    "put from stdin": ("put", "-", "box:THERE/new"),
    "copy": ("copy", "box:THERE/kept", "box:THERE/new"),
    "sync": ("sync", "src/", "box:THERE/"),
    "forward": ("forward", "box", "-R", "0:localhost:1"),
    "queue": ("queue", "add", "box", "--", "rm THERE/kept"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_nothing_is_changed_where_nobody_can_be_asked(box: Box, what: str) -> None:
    arguments = [one.replace("THERE", str(box.there)) for one in CHANGES[what]]
    ran = box.run("--json", *arguments)
    assert ran.status == 2
    assert b"production host" in ran.out + ran.err
    assert b"--yes" in ran.out + ran.err and b"PRODUCTION_HOST" in ran.out + ran.err
    assert box.untouched


def test_what_only_looks_is_free(box: Box, tmp_path: Path) -> None:
    assert box.run("run", "box", "--", f"ls {box.there} | wc -l").out == b"1\n"
    assert box.run("ls", box.at()).out == b"kept\n"
    assert box.run("cat", box.at("kept")).out == b"as it was\n"
    assert box.run("get", box.at("kept"), "back").status == 0
    assert (tmp_path / "back").read_text() == "as it was\n"
    assert box.untouched


def test_yes_agrees_beforehand(box: Box) -> None:
    assert box.run("put", "--yes", "mine", box.at("")).status == 0
    assert box.run("--yes", "run", "box", "--", f"echo more >> {box.there}/mine").status == 0
    assert (box.there / "mine").read_text() == "new\nmore\n"
    assert box.run("rm", "-y", box.at("mine")).status == 0
    assert box.untouched


async def _answered(box: Box, terminal: OnTerminal, answer: str) -> int:
    await terminal.expect("box is a production host")
    await terminal.expect("Go on? y/N: ")
    assert box.untouched
    terminal.type(f"{answer}\r")
    return await terminal.status()


@pytest.mark.parametrize("what", ["run", "put", "rm"])
async def test_a_person_is_asked_once_and_a_no_changes_nothing(box: Box, what: str) -> None:
    arguments = [one.replace("THERE", str(box.there)) for one in CHANGES[what]]
    async with on_terminal(box.program, *box.flags, *arguments) as terminal:
        assert await _answered(box, terminal, "n") == 2
    assert box.untouched
    async with on_terminal(box.program, *box.flags, *arguments) as terminal:
        assert await _answered(box, terminal, "y") == 0
        assert terminal.seen.count("production host") == 1
    assert not box.untouched


async def test_a_tree_is_removed_after_one_question_that_says_both(box: Box) -> None:
    async with on_terminal(box.program, *box.flags, "rm", "-r", f"box:{box.there}") as terminal:
        await terminal.expect("a production host, with all that is in it?")
        await terminal.expect("Remove? y/N: ")
        terminal.type("y\r")
        assert await terminal.status() == 0
    assert not box.there.exists()


async def test_a_shell_asks_before_it_opens(box: Box) -> None:
    async with on_terminal(box.program, *box.flags, "shell", "box") as terminal:
        assert await _answered(box, terminal, "n") == 2
