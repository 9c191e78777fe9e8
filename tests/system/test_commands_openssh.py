"""Commands on a real OpenSSH server, through a real session: streams, limits, cancel, and links that go."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.commands.executor import CommandService, CommandSpec, RunningCommand
from backend.commands.policy.guard import admits_all
from backend.connection.connector import Chunk, PtyRequest, PtySize, StdStream
from backend.connection.interaction import Nobody
from backend.connection.sessions import Sessions
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Vault
from backend.errors import Code, Interrupted, LinkLost, TimeLimitError
from backend.events import EventBus
from backend.production.guard import never_asks
from tests.support.loop_monitor import loop_monitor
from tests.support.openssh import Sshd, make_key, sshd, target
from tests.support.scripted import ScriptedBook, nobody_else
from tests.support.waiting import until

pytestmark = pytest.mark.sshd

HOST = "server"


class Commands:
    """The service over one host."""

    def __init__(self, server: Sshd, service: CommandService) -> None:
        self.server = server
        self.service = service

    def start(self, command: str, *, sink: Callable[[Chunk], None] | None = None, **spec: object) -> RunningCommand:
        return self.service.start(HOST, CommandSpec(command.encode(), **spec), sink)  # type: ignore[arg-type]

    async def run(self, command: str, **spec: object) -> RunningCommand:
        """Run to the end."""
        started = self.service.start(HOST, CommandSpec(command.encode(), **spec))  # type: ignore[arg-type]
        await started.wait()
        return started

    def cut(self) -> None:
        """Kill the server's processes for its connections, not the listener."""
        children = Path(f"/proc/{self.server.process.pid}/task/{self.server.process.pid}/children").read_text()
        for child in children.split():
            os.kill(int(child), signal.SIGKILL)


@pytest.fixture
async def commands(tmp_path: Path) -> AsyncIterator[Commands]:
    with sshd(tmp_path / "server") as server:
        key = make_key(tmp_path / "id")
        server.authorize(key)
        hop = server.hop(keys=[key], known=server.known_hosts(tmp_path / "known"), name=HOST)
        vault, clock, bus = Vault(), SystemClock(), EventBus()
        sessions = Sessions(
            connector=SshConnector(vault=vault, clock=clock),
            book=ScriptedBook(target(hop)),
            interaction=Nobody(),
            bus=bus,
            clock=clock,
            vault=vault,
        )
        service = CommandService(
            sessions=sessions, bus=bus, clock=clock, admit=admits_all, permit=never_asks, elevation=nobody_else
        )
        yield Commands(server, service)
        await service.close()
        await sessions.close()


def texts(command: RunningCommand, stream: StdStream) -> list[bytes]:
    return [line.raw for line in command.output.lines(0, command.output.end) if line.stream is stream]


def gone(pid_file: Path) -> bool:
    """Whether the process whose number is in the file has ended."""
    stat = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


async def test_streams_are_apart_and_the_status_is_the_commands(commands: Commands) -> None:
    ended = await commands.run("echo out; echo err >&2; exit 7")
    assert (texts(ended, StdStream.OUT), texts(ended, StdStream.ERR)) == ([b"out"], [b"err"])
    assert ended.outcome is not None
    assert ended.outcome.exit is not None
    assert ended.outcome.exit.status == 7


async def test_bytes_that_are_no_text_arrive_and_the_connection_lives_on(commands: Commands) -> None:
    raw = await commands.run("printf '\\377\\376\\000x\\n'")
    assert raw.output.text() == b"\xff\xfe\x00x\n"
    assert (await commands.run("echo still here")).output.text() == b"still here\n"


async def test_output_is_seen_while_the_command_runs(commands: Commands) -> None:
    command = commands.start("echo first; read line; echo $line", pty=PtyRequest())
    await until(lambda: b"first" in command.output.text())
    assert command.outcome is None
    await command.cancel()


async def test_stdin_of_any_size_passes_through(commands: Commands) -> None:
    data = os.urandom(3_000_000)
    received = bytearray()
    command = commands.start("cat", sink=lambda chunk: received.extend(chunk.data), stdin=data)
    outcome = await command.wait()
    assert outcome.succeeded
    assert bytes(received) == data
    assert outcome.bytes_out == len(data)


async def test_a_command_that_ignores_its_input_is_no_failure(commands: Commands) -> None:
    outcome = (await commands.run("exec 0<&-; echo done", stdin=b"x" * 5_000_000)).outcome
    assert outcome is not None
    assert outcome.succeeded


async def test_directory_and_environment_arrive(commands: Commands, tmp_path: Path) -> None:
    place = tmp_path / "it's a $place\nof two lines!"
    place.mkdir()
    value = "a 'b' \"c\" $d `e` !f \\g\nh é"
    ended = await commands.run("pwd; printf '%s' \"$FL_VALUE\"", cwd=os.fsencode(place), env={"FL_VALUE": value})
    assert ended.output.text() == os.fsencode(place.resolve()) + b"\n" + value.encode()


async def test_a_directory_that_is_not_there_keeps_the_command_from_running(commands: Commands) -> None:
    ended = await commands.run("echo ran", cwd=b"/no/such/place")
    assert ended.outcome is not None
    assert ended.outcome.exit is not None
    assert ended.outcome.exit.status == 126
    assert texts(ended, StdStream.OUT) == []
    assert b"/no/such/place" in ended.output.text()


async def test_a_terminal_is_one_and_has_the_size_that_was_asked_for(commands: Commands) -> None:
    ended = await commands.run("tty >/dev/null && stty size", pty=PtyRequest(size=PtySize(101, 33)))
    assert ended.output.lines(0, 1)[0].raw == b"33 101"


async def test_the_time_limit_ends_the_process_and_says_what_is_known(commands: Commands, tmp_path: Path) -> None:
    began = time.monotonic()
    ended = await commands.run(f"echo $$ > {tmp_path}/pid; echo begun; exec sleep 300", time_limit=0.5)
    assert time.monotonic() - began < 8
    assert ended.outcome is not None
    assert isinstance(ended.outcome.error, TimeLimitError)
    assert ended.output.text() == b"begun\n"
    remote = ended.outcome.error.evidence["remote"]
    if remote == "ended":
        await until(lambda: gone(tmp_path / "pid"))
    else:
        assert remote == "unknown: it did not confirm"


async def test_cancelling_with_a_terminal_ends_even_what_the_server_will_not_signal(
    commands: Commands, tmp_path: Path
) -> None:
    command = commands.start(f"echo $$ > {tmp_path}/pid; echo begun; exec sleep 300", pty=PtyRequest())
    await until(lambda: b"begun" in command.output.text())
    outcome = await command.cancel()
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.evidence["remote"] == "ended"
    await until(lambda: gone(tmp_path / "pid"))


async def test_a_child_in_the_background_does_not_keep_a_cancel_waiting_for_ever(commands: Commands) -> None:
    command = commands.start("sleep 20 & echo begun; wait", pty=None)
    await until(lambda: b"begun" in command.output.text())
    began = time.monotonic()
    outcome = await command.cancel()
    assert isinstance(outcome.error, Interrupted)
    assert time.monotonic() - began < 8


async def test_a_cut_link_is_an_error_and_what_came_is_kept(commands: Commands) -> None:
    command = commands.start("echo begun; sleep 300")
    await until(lambda: b"begun" in command.output.text())
    commands.cut()
    outcome = await command.wait()
    assert isinstance(outcome.error, LinkLost)
    assert outcome.exit is None
    assert not outcome.succeeded
    assert command.output.text() == b"begun\n"


async def test_a_host_that_is_not_there_is_the_commands_outcome(commands: Commands) -> None:
    commands.server.stop()
    outcome = (await commands.run("true")).outcome
    assert outcome is not None
    assert outcome.error is not None
    assert outcome.error.code is Code.TCP_REFUSED


async def test_a_flood_is_bounded_in_memory_complete_on_disk_and_leaves_the_loop_free(
    commands: Commands, tmp_path: Path
) -> None:
    with loop_monitor() as report:
        command = commands.start("seq 1 2000000", save_to=tmp_path / "all")
        outcome = await command.wait()
    assert outcome.succeeded
    assert command.output.end == 2_000_000
    assert command.output.dropped == 1_000_000
    assert command.output.lines(1_999_999, 2_000_000)[0].raw == b"2000000"
    with (tmp_path / "all").open("rb") as file:
        assert sum(1 for _ in file) == 2_000_000
    assert report.worst < 0.05, report.culprit


async def test_several_commands_share_one_connection_and_do_not_wait_for_each_other(commands: Commands) -> None:
    slow = commands.start("sleep 300")
    quick = [commands.start(f"echo {number}") for number in range(6)]
    for number, command in enumerate(quick):
        await command.wait()
        assert command.output.text() == b"%d\n" % number
    assert slow.outcome is None
    await slow.cancel()
