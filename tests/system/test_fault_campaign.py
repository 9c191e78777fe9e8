"""Trouble by seed: links that are cut, swallowed, sliced, held back; servers that restart; a client that is suspended.

Whatever happens, each run ends in the right state within its bound: copies arrive whole and go on where they were,
commands are carried out at most once and are called done only if they were, and nothing is left over.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from backend.commands.values import CommandSpec
from backend.connection.connector import Chunk, StdStream
from backend.connection.state import SessionState
from backend.errors import LinkLost
from backend.files.model import Direction, TransferRequest
from backend.settings import KeepaliveOptions
from mocks.relay import Relay
from tests.support.campaign import Held, Job, Plan, Stage, Task, digest
from tests.support.desk import Desk, desk_at
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.person import Person
from tests.support.program import Program
from tests.support.waiting import no_tasks_left, until

pytestmark = pytest.mark.sshd

S = SessionState
BOUND = 45.0
"""Seconds for a run, most of them for machines with much else to do."""
RATE = 1_000_000
KEEPALIVE = KeepaliveOptions(interval=0.2, late_after=0.2, misses=4)
LINES = 400
PASSPHRASE = "planted-passphrase"


def seeds(short: int, long: int) -> list[object]:
    """The short campaign always runs; the long one has seeds of its own."""
    return [*range(short), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1000, 1000 + long))]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    root = tmp_path_factory.mktemp("server")
    # The account's own startup files would be killed half-way together with their sessions, and may mind.
    (root / "home").mkdir()
    with sshd(root, "LogLevel VERBOSE", f"SetEnv HOME={root / 'home'}") as running:
        running.authorize(make_key(root / "key"))
        running.authorize(make_key(root / "locked", passphrase=PASSPHRASE))
        yield running


@dataclass(frozen=True)
class Ground:
    """A server behind a relay, and the directories of both sides."""

    stage: Stage
    here: Path
    there: Path
    config: Path

    def source(self, job: Job) -> Path:
        return (self.here if job.task is Task.PUT else self.there) / job.name

    def final(self, job: Job) -> Path:
        return (self.there if job.task is Task.PUT else self.here) / job.name

    def command(self, job: Job) -> bytes:
        """Says many lines, and leaves a mark that it was carried out."""
        pause = "sleep 0.05; " if job.task is Task.LONG else ""
        count = 20 if job.task is Task.LONG else LINES
        loop = f"i=0; while [ $i -lt {count} ]; do i=$((i+1)); echo line $i; {pause}done"
        return f"echo done >> {self.there / job.name}.mark; {loop}".encode()

    def said(self, job: Job) -> bytes:
        """All that the command says."""
        count = 20 if job.task is Task.LONG else LINES
        return b"".join(b"line %d\n" % number for number in range(1, count + 1))

    def carried_out(self, job: Job) -> int:
        """How often the command was."""
        mark = Path(f"{self.there / job.name}.mark")
        return len(mark.read_text().splitlines()) if mark.exists() else 0

    def leftovers(self) -> list[Path]:
        return [*self.here.glob(".*fairlead-part*"), *self.there.glob(".*fairlead-part*")]


@asynccontextmanager
async def ground(server: Sshd, tmp_path: Path, plan: Plan, *, key: str = "key") -> AsyncIterator[Ground]:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    async with Relay(server.address, server.port, seed=plan.seed) as relay:
        known = server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
        config = tmp_path / "config"
        config.write_text(
            f"Host far\n  HostName 127.0.0.1\n  Port {relay.port}\n  User {server.user}\n"
            f"  IdentityFile {server.root / key}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {known}\n  ServerAliveInterval 1\n  ServerAliveCountMax 2\n"
        )
        made = Ground(Stage(relay, server), here, there, config)
        for job in plan.jobs:
            if job.task in (Task.PUT, Task.GET):
                made.source(job).write_bytes(Random(f"{plan.seed}{job.name}").randbytes(job.size))
        yield made
        made.stage.heal()
    await until(lambda: server.processes == [], seconds=20)


# --- the services -------------------------------------------------------------------------------------------------


async def work(desk: Desk, ground: Ground, job: Job) -> None:
    await asyncio.sleep(job.at)
    if job.task in (Task.PUT, Task.GET):
        await copy(desk, ground, job)
    else:
        await command(desk, ground, job)


async def copy(desk: Desk, ground: Ground, job: Job) -> None:
    """Copies are never given up: they wait for the link and go on."""
    direction = Direction.PUT if job.task is Task.PUT else Direction.GET
    sources = (str(ground.source(job)),)
    outcome = await desk.copy(
        TransferRequest(direction, "far", sources, str(ground.final(job)), rate_limit=RATE)
    ).wait()
    assert outcome.error is None, outcome
    assert (outcome.progress.files_done, outcome.progress.verified) == (1, 1), outcome.notes
    assert outcome.progress.bytes_done == job.size
    assert digest(ground.final(job)) == digest(ground.source(job))


def stdout_into(said: bytearray) -> Callable[[Chunk], None]:
    """What the login shell says on stderr is the account's own affair."""
    return lambda chunk: said.extend(chunk.data if chunk.stream is StdStream.OUT else b"")


async def command(desk: Desk, ground: Ground, job: Job) -> None:
    """Commands are carried out once or, where the link went, perhaps; never twice."""
    said = bytearray()
    outcome = await desk.run(CommandSpec(ground.command(job)), stdout_into(said))
    if outcome.succeeded:
        assert bytes(said) == ground.said(job)
        assert ground.carried_out(job) == 1
    else:
        assert isinstance(outcome.error, LinkLost), outcome
        assert ground.said(job).startswith(bytes(said))
        assert ground.carried_out(job) <= 1


@pytest.mark.parametrize("seed", seeds(15, 150))
async def test_services_in_trouble(server: Sshd, tmp_path: Path, seed: int) -> None:
    plan = Plan.of(seed, jobs=5, suspend=False)
    print(plan)  # noqa: T201 - to be seen when it fails
    before, person, key = Held.now(), Person(passphrases=[PASSPHRASE]), ("key", "locked")[seed % 2]
    async with no_tasks_left(), ground(server, tmp_path, plan, key=key) as field, asyncio.timeout(BOUND):
        async with desk_at(
            "far",
            field.config,
            tmp_path / "state",
            person,
            keepalive=KEEPALIVE,
            chance=Random(seed),
            watch_tasks=False,
        ) as desk:
            await desk.session.link()
            async with asyncio.TaskGroup() as group:
                group.create_task(field.stage.trouble(plan))
                for job in plan.jobs:
                    group.create_task(work(desk, field, job))
            await check_all_is_well(desk)
        assert field.leftovers() == []
    assert len(person.secrets) == seed % 2, "asked once, and not again however often the link was lost"
    await until(lambda: Held.now() == before, seconds=10)


async def check_all_is_well(desk: Desk) -> None:
    """The trouble is over: the next command works, and the session went through nothing that it should not have."""
    said = bytearray()
    outcome = await desk.run(CommandSpec(b"echo here again"), stdout_into(said))
    if not outcome.succeeded:  # the link that was there had died without a word
        assert isinstance(outcome.error, LinkLost), outcome
        outcome = await desk.run(CommandSpec(b"echo here again"), stdout_into(said))
    assert (outcome.succeeded, bytes(said)) == (True, b"here again\n"), outcome
    assert desk.session.state in (S.READY, S.DEGRADED)
    assert not {S.FAILED, S.EXPIRED} & set(desk.states), desk.states


# --- the program ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", seeds(5, 50))
async def test_the_program_in_trouble(server: Sshd, tmp_path: Path, seed: int) -> None:
    plan = Plan.of(seed + 50_000, jobs=1, suspend=True)
    print(plan)  # noqa: T201 - to be seen when it fails
    (job,) = plan.jobs
    home = tmp_path / "home"
    home.mkdir()
    async with ground(server, tmp_path, plan) as field, asyncio.timeout(BOUND):
        process = await Program(home).start("-F", str(field.config), "--batch", "--json", *arguments(field, job))
        field.stage.suspend = process
        try:
            _, (out, err) = await asyncio.gather(trouble(field, plan), process.communicate())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        told = json.loads(out.splitlines()[-1]) if out.strip() else {}
        check_program(field, job, process.returncode or 0, told, err)


async def trouble(field: Ground, plan: Plan) -> None:
    """From the moment the program has come to the host: what happens before is another test's."""
    await until(lambda: field.stage.relay.counters.up > 2000, seconds=30)
    await field.stage.trouble(plan)


def arguments(field: Ground, job: Job) -> tuple[str, ...]:
    if job.task is Task.PUT:
        return ("put", "--limit", str(RATE), str(field.source(job)), f"far:{field.final(job)}")
    if job.task is Task.GET:
        return ("get", "--limit", str(RATE), f"far:{field.source(job)}", str(field.final(job)))
    return ("run", "far", "--", field.command(job).decode())


def check_program(field: Ground, job: Job, status: int, told: dict[str, object], err: bytes) -> None:
    if job.task in (Task.PUT, Task.GET):
        assert (status, told.get("verified")) == (0, 1), (told, err)
        assert digest(field.final(job)) == digest(field.source(job))
        assert field.leftovers() == []
    elif status == 0:
        assert told["stdout"] == field.said(job).decode()
        assert (told["truncated"], field.carried_out(job)) == (False, 1)
    else:
        assert status == 255, (told, err)
        error = told["error"]
        assert isinstance(error, dict)
        assert error["category"] == "link", error
        assert told.get("exit_status") is None
        assert field.carried_out(job) <= 1
