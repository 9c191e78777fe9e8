"""After a cancel nothing of the command is left on the host, or what is left is named. A look at the host tells."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from backend.commands.values import Elevate
from backend.connection.connector import PtyRequest
from backend.connection.target import Target
from backend.errors import Interrupted
from tests.support.commanding import Commands, commands_on, processes_with
from tests.support.openssh import make_key, sshd, target
from tests.support.sudoers import sudoer
from tests.support.waiting import until
from tests.support.worlds import PASSWORD, Person

pytestmark = pytest.mark.sshd

COMMANDS = {
    "one process": "echo begun; exec sleep 31{mark}",
    "children": "sleep 31{mark} & sleep 32{mark} & echo begun; wait",
    "ignores TERM": "trap '' TERM HUP; echo begun; sleep 31{mark}; sleep 32{mark}",
    "a child that ignores": "(trap '' TERM; exec sleep 31{mark}) >/dev/null 2>&1 & echo begun; exec sleep 32{mark}",
    "a pipeline": "echo begun; sh -c 'sleep 31{mark}; echo' | sh -c 'cat; : {mark}'",
    "a flood": "echo begun; sh -c 'yes {mark}' | sh -c 'head -c 2G; : {mark}'",
    "a session of its own": "echo begun; setsid -w sleep 31{mark}",
}


@contextmanager
def as_root(tmp_path: Path) -> Iterator[Target]:
    with sshd(tmp_path / "server") as server:
        key = make_key(tmp_path / "id")
        server.authorize(key)
        yield target(server.hop(keys=[key], known=server.known_hosts(tmp_path / "known")))


@pytest.fixture(params=["root", "a user"])
async def commands(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Commands]:
    with ExitStack() as stack:
        a_user = sudoer(tmp_path, "{user} ALL=(ALL) ALL")
        where = stack.enter_context(as_root(tmp_path) if request.param == "root" else a_user)
        async with commands_on(where, Person(secrets=[PASSWORD])) as ready:
            yield ready


@pytest.fixture
def mark() -> str:
    """Digits that no other process of this machine has in its command line."""
    return str(secrets.randbelow(10**9) + 10**9)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
async def test_nothing_is_left(commands: Commands, mark: str, command: str) -> None:
    running = commands.start(command.format(mark=mark))
    await until(lambda: b"begun" in running.output.text() and len(processes_with(mark)) > 0)
    outcome = await running.cancel()
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.evidence["remote"] == "ended"
    assert processes_with(mark) == {}


async def test_other_commands_of_the_same_connection_go_on(commands: Commands, mark: str) -> None:
    before = commands.start(f"echo begun; sleep 33{mark}")
    await until(lambda: b"begun" in before.output.text())
    running = commands.start(f"echo begun; sleep 34{mark}")
    await until(lambda: b"begun" in running.output.text())
    after = commands.start(f"echo begun; sleep 35{mark}", pty=PtyRequest())
    await until(lambda: b"begun" in after.output.text())
    outcome = await running.cancel()
    assert outcome.error is not None and outcome.error.evidence["remote"] == "ended"
    assert processes_with(f"34{mark}") == {}
    assert before.outcome is None and after.outcome is None
    assert processes_with(f"33{mark}") and processes_with(f"35{mark}")
    await before.cancel()
    await after.cancel()
    assert processes_with(mark) == {}


@pytest.mark.parametrize("pty", [None, PtyRequest()], ids=["streams", "terminal"])
async def test_a_command_of_root_that_a_user_has_started(tmp_path: Path, mark: str, pty: PtyRequest | None) -> None:
    with sudoer(tmp_path, "Defaults:{user} use_pty\n{user} ALL=(ALL) ALL") as where:
        async with commands_on(where, Person(secrets=[PASSWORD])) as commands:
            running = commands.start(
                f"trap '' TERM HUP INT; sleep 31{mark} & echo begun; sleep 32{mark}; wait", elevate=Elevate(), pty=pty
            )
            await until(lambda: b"begun" in running.output.text())
            outcome = await running.cancel()
            assert outcome.error is not None and outcome.error.evidence["remote"] == "ended"
            assert processes_with(mark) == {}


async def test_what_may_be_left_is_said_where_nothing_can_be_looked_up(tmp_path: Path, mark: str) -> None:
    """As with MaxSessions 1: there is no other channel to look through."""
    with sshd(tmp_path / "server", "MaxSessions 1") as server:
        key = make_key(tmp_path / "id")
        server.authorize(key)
        where = target(server.hop(keys=[key], known=server.known_hosts(tmp_path / "known")))
        async with commands_on(where) as commands:
            running = commands.start(f"sleep 31{mark} >/dev/null 2>&1 & echo begun; wait", pty=PtyRequest())
            await until(lambda: b"begun" in running.output.text())
            outcome = await running.cancel()
    assert outcome.error is not None
    assert outcome.error.evidence["remote"].startswith(("ended, but", "unknown"))
    assert outcome.error.advice
