"""The program on a terminal, as a person uses it: questions, a shell, keys, sizes, and the terminal afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.on_terminal import on_terminal
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, ssh_config


@dataclass(frozen=True)
class Box:
    """A server called `box`, and the program."""

    server: Sshd
    program: Program
    config: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
    root = tmp_path_factory.mktemp("box")
    key = make_key(root / "key")
    with sshd(root / "server", "SetEnv PS1=ready>", "PrintMotd no", "PrintLastLog no") as running:
        yield running, ssh_config(root / "ssh_config", {"box": running}, key)


@pytest.fixture
def box(server: tuple[Sshd, Path], tmp_path: Path) -> Box:
    running, config = server
    return Box(running, Program(tmp_path), str(config))


# --- a shell -----------------------------------------------------------------------------------------------------


@pytest.mark.sshd
async def test_a_shell_knows_the_window_follows_its_size_and_passes_its_status_on(box: Box) -> None:
    async with on_terminal(box.program, "-F", box.config, "shell", "box") as terminal:
        before = terminal.settings
        terminal.resize(columns=101, rows=31)
        terminal.type("echo si''ze; stty size\r")
        await terminal.expect("size\n31 101\n")
        terminal.resize(columns=77, rows=22)
        terminal.type("sleep 0.2; echo aga''in; stty size\r")
        await terminal.expect("again\n22 77\n")
        terminal.type("exit 5\r")
        assert await terminal.status() == 5
        assert terminal.settings == before


@pytest.mark.sshd
async def test_control_c_in_a_shell_goes_to_the_host(box: Box) -> None:
    async with on_terminal(box.program, "-F", box.config, "shell", "box") as terminal:
        terminal.type("sh -c 'echo rea\"\"dy; exec sleep 100'\r")
        await terminal.expect("ready\n")
        terminal.type("\x03")
        await terminal.expect("^C")
        terminal.type("echo sta''tus $?\r")
        await terminal.expect("status 130\n")
        terminal.type("exit 0\r")
        assert await terminal.status() == 0


@pytest.mark.sshd
async def test_a_tilde_and_a_dot_end_a_shell_that_hangs(box: Box) -> None:
    async with on_terminal(box.program, "-F", box.config, "shell", "box") as terminal:
        before = terminal.settings
        terminal.type("echo rea''dy; sleep 1000\r")
        await terminal.expect("ready\n")
        terminal.type("~?")
        await terminal.expect("end this session")
        terminal.type("~.")
        assert await terminal.status() == 255
        assert terminal.settings == before


@pytest.mark.sshd
async def test_a_shell_whose_link_goes_leaves_the_terminal_as_it_was(box: Box) -> None:
    async with on_terminal(box.program, "-F", box.config, "shell", "box") as terminal:
        before = terminal.settings
        terminal.type("kill -KILL $PPID\r")
        assert await terminal.status() == 255
        assert "code: CONNECTION_LOST" in terminal.seen
        assert terminal.settings == before


@pytest.mark.sshd
async def test_a_command_with_a_terminal_reads_keys_typed_ahead(box: Box) -> None:
    async with on_terminal(box.program, "-F", box.config, "run", "--pty", "box", "--", "echo first; cat") as terminal:
        await terminal.expect("first\n")
        terminal.type("\x04")
        assert await terminal.status() == 0


# --- questions ---------------------------------------------------------------------------------------------------


@pytest.mark.sshd
async def test_an_unknown_host_key_is_shown_and_remembered_when_trusted(box: Box, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    flags = ("-F", box.config, "--known-hosts", str(known))
    async with on_terminal(box.program, *flags, "run", "box", "--", "echo inside") as terminal:
        await terminal.expect("The host key of box is not known yet.")
        await terminal.expect("SHA256:")
        await terminal.expect("Trust it?")
        terminal.type("y\n")
        await terminal.expect("inside\n")
        assert await terminal.status() == 0
    assert f"[127.0.0.1]:{box.server.port}" in known.read_text()
    async with on_terminal(box.program, *flags, "run", "box", "--", "echo inside") as terminal:
        assert await terminal.status() == 0
        assert "Trust it?" not in terminal.seen


@pytest.mark.sshd
async def test_a_refused_host_key_is_the_end_and_nothing_is_written(box: Box, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    flags = ("-F", box.config, "--known-hosts", str(known))
    async with on_terminal(box.program, *flags, "run", "box", "--", "echo inside") as terminal:
        await terminal.expect("Trust it?")
        terminal.type("\n")
        assert await terminal.status() == 255
        assert "inside" not in terminal.seen
    assert not known.exists()


async def test_control_c_at_a_question_ends_with_130_and_the_echo_back_on(tmp_path: Path) -> None:
    async with on_terminal(Program(tmp_path), "--demo", "run", "cluster", "--", "true") as terminal:
        before = terminal.settings
        await terminal.expect("Password: ")
        assert terminal.settings != before
        terminal.type("\x03")
        assert await terminal.status() == 130
        assert terminal.settings == before


async def test_a_pipe_on_stdin_does_not_keep_questions_from_the_person(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(b"from a file\n")
    with (tmp_path / "content").open("rb") as stdin:
        async with on_terminal(Program(tmp_path), "--demo", "put", "-", "mirror-au:note", stdin=stdin) as terminal:
            await terminal.expect("Password of mirror on mirror-au: ")
            terminal.type("demo\n")
            await terminal.expect("1 file, 12 B")
            assert await terminal.status() == 0


@pytest.mark.parametrize(("answer", "status", "said"), [("y", 0, ""), ("n", 130, "Nothing was removed.")])
async def test_a_tree_is_removed_after_a_question_with_its_count(
    answer: str, status: int, said: str, tmp_path: Path
) -> None:
    async with on_terminal(Program(tmp_path), "--demo", "rm", "-r", "web-1:uploads") as terminal:
        await terminal.expect("2 files, 1 directories")
        terminal.type(f"{answer}\n")
        assert await terminal.status() == status
        assert said in terminal.seen


# --- what a terminal gets ----------------------------------------------------------------------------------------


async def test_a_copy_shows_its_progress_in_one_line_that_goes_at_the_end(tmp_path: Path) -> None:
    async with on_terminal(Program(tmp_path), "--demo", "get", "gpu-7:run-12/checkpoints", "copy") as terminal:
        await terminal.expect(" MB of ")
        await terminal.expect("left")
        terminal.type("\x03")
        assert await terminal.status() == 130
        assert "what has arrived is kept" in terminal.seen
        assert terminal.seen.count("\n") < 10


@pytest.mark.sshd
async def test_names_and_files_of_a_host_cannot_draw_on_the_terminal(box: Box, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "\x1b[2Jname").write_bytes(b"\x1b[2J\x1b]0;title\x07text\n")
    for command in (["ls"], ["ls", "-l"], ["stat"], ["cat"]):
        path = tmp_path / "there" / ("" if command[0] == "ls" else "\x1b[2Jname")
        async with on_terminal(box.program, "-F", box.config, *command, f"box:{path}") as terminal:
            assert await terminal.status() == 0
            assert "text\n" in terminal.seen or "name" in terminal.seen
            assert "\x1b" not in terminal.seen


async def test_the_workbench_opens_and_closes_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    async with on_terminal(Program(tmp_path), "demo") as terminal:
        before = terminal.settings
        terminal.resize(columns=100, rows=30)
        await terminal.expect("web-1")
        terminal.type("\x11")
        assert await terminal.status() == 0
        assert terminal.settings == before
