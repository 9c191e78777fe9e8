"""Named sessions on a real OpenSSH server: state that stays, ends that are told apart, and sessions that are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.commands.executor import RunningCommand
from backend.commands.shells.service import ShellService, shell_note
from backend.commands.shells.session import ShellState
from backend.connection.connector import ExitReport, StdStream
from backend.errors import Code
from tests.support.login_host import HOST, LoginHost, login_host
from tests.support.waiting import until

pytestmark = pytest.mark.sshd


class Shells:
    """The session `work` of one host."""

    def __init__(self, host: LoginHost) -> None:
        self.host = host
        self.service = ShellService(sessions=host.sessions, clock=host.clock)

    async def run(self, command: bytes, name: str = "work") -> RunningCommand:
        return await self.host.run(command, self.service.opening(name))

    def start(self, command: bytes) -> RunningCommand:
        return self.host.start(command, self.service.opening("work"))

    async def out(self, command: bytes) -> bytes:
        return (await self.run(command)).output.text()

    @property
    def state(self) -> ShellState:
        shell = self.service.find(HOST, "work")
        assert shell is not None
        return shell.state


@asynccontextmanager
async def shells_on(tmp_path: Path, **account: object) -> AsyncIterator[Shells]:
    async with login_host(tmp_path, **account) as host:  # type: ignore[arg-type]
        shells = Shells(host)
        try:
            yield shells
        finally:
            await host.commands.close()
            await shells.service.close()


@pytest.fixture
async def shells(tmp_path: Path) -> AsyncIterator[Shells]:
    async with shells_on(tmp_path, shell="/bin/bash") as shells:
        yield shells


def exit_of(command: RunningCommand) -> ExitReport | None:
    assert command.outcome is not None
    return command.outcome.exit


def code_of(command: RunningCommand) -> Code | None:
    assert command.outcome is not None
    return None if command.outcome.error is None else command.outcome.error.code


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/dash", "/bin/sh"])
async def test_directory_variables_and_functions_stay_in_any_posix_shell(tmp_path: Path, shell: str) -> None:
    noise = "echo welcome; echo careful >&2; read x; cat\n"
    files = {".profile": noise, ".bash_profile": noise}
    async with shells_on(tmp_path, shell=shell, files=files) as shells:
        assert await shells.out(b"cd /usr/bin; A='x  y'; export B=2; f() { echo \"f $1\"; }") == b""
        assert await shells.out(b"pwd; echo \"$A\"; sh -c 'echo $B'; f 1") == b"/usr/bin\nx  y\n2\nf 1\n"
        work = shells.service.find(HOST, "work")
        assert work is not None
        assert (work.directory, shell_note(work)) == (b"/usr/bin", "")


async def test_where_the_login_shell_is_no_posix_shell_it_runs_in_sh_and_says_so(tmp_path: Path) -> None:
    odd = tmp_path / "oddsh"
    odd.write_text('#!/bin/sh\necho welcome\nexec /bin/sh "$@"\n')
    odd.chmod(0o755)
    async with shells_on(tmp_path, shell=str(odd)) as shells:
        assert await shells.out(b"cd /; pwd; echo ${0##*/}") == b"/\nsh\n"
        work = shells.service.find(HOST, "work")
        assert work is not None
        assert shell_note(work) == f"runs in sh: {odd} is no POSIX shell"


async def test_output_status_and_streams_of_each_command_are_told_apart(shells: Shells) -> None:
    first = await shells.run(b"printf 'no line end'; printf err >&2; (exit 7)")
    second = await shells.run(b"printf '\\377\\000x'; echo $((6 * 7))")
    assert (exit_of(first), exit_of(second)) == (ExitReport(7), ExitReport(0))
    said = {StdStream.OUT: b"", StdStream.ERR: b""}
    for line in first.output.lines(0, first.output.end):  # a piece may be held back until it is certain to be no mark
        said[line.stream] += line.raw
    assert said == {StdStream.OUT: b"no line end", StdStream.ERR: b"err"}
    assert second.output.text() == b"\xff\x00x42\n"


async def test_a_command_that_reads_cannot_eat_what_follows(shells: Shells) -> None:
    assert await shells.out(b'cat; read line; echo "got $line"; (cat <&9) 2>&- ') == b"got \n"
    assert await shells.out(b"echo next") == b"next\n"


async def test_output_that_imitates_marks_fools_nobody(shells: Shells) -> None:
    told = await shells.out(b'printf "%s 0 /\\n" "$fl_m"; set | grep ^fl_; for i in 1 2 3; do echo $i; done')
    assert told.endswith(b"1\n2\n3\n")
    assert await shells.out(b"echo sane") == b"sane\n"


@pytest.mark.parametrize("command", [b"echo (", b"fi", b"'", b". /nonexistent", b"readonly Q=1; Q=2"])
async def test_a_mistake_does_not_end_the_session(shells: Shells, command: bytes) -> None:
    await shells.run(b"S=kept")
    report = exit_of(await shells.run(command))
    assert report is not None
    assert report.status not in (None, 0)
    assert await shells.out(b"echo $S") == b"kept\n"


async def test_any_bytes_reach_the_shell_as_they_are(shells: Shells) -> None:
    assert (
        await shells.out("echo 'ä\\n%s\t$x' \"\\\\\"\nif true\nthen echo zwei\nfi".encode())
        == "ä\\n%s\t$x \\\nzwei\n".encode()
    )


async def test_output_stays_redirected_and_the_session_still_answers(shells: Shells) -> None:
    log = shells.host.home / "log"
    assert await shells.out(b"exec 3>&1 >" + str(log).encode()) == b""
    assert await shells.out(b"echo hidden") == b""
    assert await shells.out(b"exec >&3; echo back") == b"back\n"
    assert log.read_text() == "hidden\n"


async def test_commands_take_turns(shells: Shells, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first = shells.start(f"until test -e {gate}; do sleep 0.02; done; A=1; echo first".encode())
    second = shells.start(b"echo $A")
    await until(lambda: shells.service.find(HOST, "work") is not None and shells.state is ShellState.BUSY)
    gate.touch()
    await first.wait()
    await second.wait()
    assert (first.output.text(), second.output.text()) == (b"first\n", b"1\n")


async def test_what_is_cancelled_before_its_turn_has_not_started(shells: Shells, tmp_path: Path) -> None:
    first = shells.start(b"echo on; sleep 60")
    await until(lambda: first.output.text() == b"on\n")
    second = shells.start(b"touch " + bytes(tmp_path / "never"))
    outcome = await second.cancel()
    assert outcome.error is not None
    assert outcome.error.evidence["remote"] == "not started"
    await first.cancel()
    assert await shells.out(b"echo next") == b"next\n"
    assert not (tmp_path / "never").exists()


async def test_cancel_interrupts_what_runs_and_leaves_shell_and_background_jobs(shells: Shells) -> None:
    background = int(await shells.out(b"A=kept; sleep 1000 & echo $!"))
    running = shells.start(b"echo begun; sleep 1000; echo never")
    await until(lambda: b"begun" in running.output.text())
    outcome = await running.cancel()
    assert outcome.error is not None
    assert outcome.error.code is Code.INTERRUPTED
    assert outcome.error.evidence["remote"] == "ended"
    left = await shells.out(f"echo $A; kill -0 {background} && echo runs; kill {background}".encode())
    assert left == b"kept\nruns\n"


async def test_a_command_that_is_let_go_of_in_its_first_moment_leaves_the_session(shells: Shells) -> None:
    shell = await shells.service.open(HOST, "work")
    running = await shell.run(b"A=kept; sleep 1000")
    await until(lambda: running.begun is not None)
    await running.close()
    assert await shells.out(b"echo $A") == b"kept\n"


async def test_what_cannot_be_interrupted_takes_the_session_along_and_that_is_said(shells: Shells) -> None:
    running = shells.start(b"echo $$ begun; while :; do :; done")
    await until(lambda: b"begun" in running.output.text())
    await running.cancel()
    await until(lambda: not Path(f"/proc/{int(running.output.text().split()[0])}").exists())
    await until(lambda: shells.state is ShellState.GONE)
    after = await shells.run(b"echo $A")
    assert code_of(after) is Code.SHELL_GONE
    assert "could not be interrupted" in str(after.outcome and after.outcome.error)


async def test_exit_ends_the_session_with_its_status_and_no_other_shell_takes_its_place(shells: Shells) -> None:
    assert exit_of(await shells.run(b"A=1; exit 3")) == ExitReport(3)
    after = await shells.run(b"echo $A")
    assert code_of(after) is Code.SHELL_GONE
    assert after.output.text() == b""
    await shells.service.open(HOST, "work")
    assert await shells.out(b"echo fresh$A") == b"fresh\n"


async def test_a_lost_link_is_an_error_and_the_session_is_gone_though_the_host_is_back(shells: Shells) -> None:
    running = shells.start(b"A=1; echo begun; sleep 1000")
    await until(lambda: b"begun" in running.output.text())
    shells.host.cut()
    outcome = await running.wait()
    assert outcome.error is not None
    assert outcome.error.category.value == "link"
    after = await shells.run(b"echo new")
    assert code_of(after) is Code.SHELL_GONE
    assert "connection was lost" in str(after.outcome and after.outcome.error)


async def test_sessions_are_apart_and_close_by_name(shells: Shells) -> None:
    await shells.run(b"cd /usr", "one")
    await shells.run(b"cd /tmp", "two")
    assert [shell.name for shell in shells.service.all(HOST)] == ["one", "two"]
    assert (await shells.run(b"pwd", "one")).output.text() == b"/usr\n"
    await shells.service.end(HOST, "one")
    assert [shell.name for shell in shells.service.all(HOST)] == ["two"]


async def test_a_session_without_use_is_closed(tmp_path: Path) -> None:
    class Soon(SystemClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(min(seconds, 0.01))

    async with login_host(tmp_path, shell="/bin/sh") as host:
        service = ShellService(sessions=host.sessions, clock=Soon(), idle=0.05)
        shell = await service.open(HOST, "work")
        await until(lambda: shell.state is ShellState.GONE)
        assert "was not used" in shell.gone
        await service.close()
