"""A real Slurm behind a real sshd: the queue, why jobs wait, submitting, following, cancelling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.clock import SystemClock
from backend.commands.executor import RunningCommand
from backend.commands.slurm.following import following
from backend.commands.slurm.service import JobDetail, SlurmService
from backend.commands.slurm.values import Submission
from backend.commands.values import CommandSpec
from backend.connection.connector import ExitReport, StdStream
from backend.errors import Code, FairleadError
from backend.production.guard import never_asks
from tests.support.login_host import HOST, LoginHost, login_host
from tests.support.openssh import make_key, sshd, throw_away_user
from tests.support.program import Program, ssh_config
from tests.support.slurm import Slurm, slurm
from tests.support.waiting import until

pytestmark = [pytest.mark.sshd, pytest.mark.slurm]

HOSTILE = "evil|name\nJobId=1 StdOut=/etc/passwd ExitCode=9:9 RunTime=0 \x1b[31m"


class Quick(SystemClock):
    """Waits a tenth of what is asked for: the queue is looked at more often than people would."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 10)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with ExitStack() as stack:
        yield stack.enter_context(slurm(tmp_path_factory.mktemp("slurm")))


async def never_judges(host: str, spec: CommandSpec, *, agreed: bool = False) -> bool:
    return False


class Login:
    """Its login node, as an account of its own sees it."""

    def __init__(self, host: LoginHost) -> None:
        self.host = host
        self.slurm = SlurmService(sessions=host.sessions, clock=Quick(), permit=never_asks, admit=never_judges)
        self.home = str(host.home).encode()

    async def submit(self, command: str, **asks: Any) -> str:
        return await self.slurm.submit(HOST, replace(Submission(command=command.encode(), directory=self.home), **asks))

    def follow(self, job: str, offset: int = 0) -> RunningCommand:
        return self.host.start(b"tail -f output", following(self.slurm, job, offset))

    async def when(self, job: str, holds: Callable[[JobDetail], bool]) -> JobDetail:
        """The job as soon as it is so."""
        found: list[JobDetail] = []

        async def look() -> bool:
            found.append(await self.slurm.job(HOST, job))
            return holds(found[-1])

        await until_true(look)
        return found[-1]


async def until_true(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await look():
            await asyncio.sleep(0.05)


@pytest.fixture
async def login(cluster: Slurm, tmp_path: Path) -> AsyncIterator[Login]:
    line = f"SetEnv SLURM_CONF={cluster.conf}"
    noise = {".bashrc": "echo welcome; printf careful >&2\n"}  # read for every command; not to be taken for an answer
    async with login_host(tmp_path, line, shell="/bin/bash", files=noise) as host:
        login = Login(host)
        try:
            yield login
        finally:
            cluster.run("scancel", "-u", host.user)
            await host.commands.close()
            await login.slurm.close()


def texts(command: RunningCommand, stream: StdStream) -> bytes:
    lines = command.output.lines(0, command.output.end)
    return b"\n".join(line.raw for line in lines if line.stream is stream)


async def test_why_jobs_wait_is_read_from_the_queue_whatever_they_are_called(login: Login) -> None:
    held = await login.submit("true", name=HOSTILE)
    down = await login.submit("true", partition="closed")
    long = await login.submit("true", time="100")
    queue = await login.slurm.poll(HOST).now()
    found = {job.id: job for job in queue.jobs}
    assert {held, down, long} <= found.keys()
    assert (found[down].reason, found[down].state) == ("PartitionDown", "PENDING")
    assert found[held].name.startswith("evil|name\\nJobId=1 StdOut=/etc/passwd")
    assert found[down].limit == 3600.0
    await login.when(long, lambda detail: detail.job.reason == "PartitionTimeLimit")
    detail = await login.slurm.job(HOST, held)
    assert detail.files is not None
    assert detail.files.stdout == login.home + f"/slurm-{held}.out".encode()


async def test_a_job_is_followed_from_its_wait_to_its_end_byte_for_byte(login: Login) -> None:
    gate = login.host.home / "gate"
    blocker = await login.submit(f"until test -e {gate}; do sleep 0.05; done", cpus="2")
    await login.when(blocker, lambda detail: detail.job.runs)
    script = b"#!/bin/sh\nprintf 'a\\377\\000b\\n'; sleep 0.3; echo done; exit 7\n"
    job = await login.slurm.submit(HOST, Submission(script=script, directory=login.home, name="two words"))
    following_it = login.follow(job)
    await until(lambda: b"waits" in texts(following_it, StdStream.ERR))
    gate.touch()
    outcome = await following_it.wait()
    assert outcome.error is None
    assert outcome.exit == ExitReport(7)
    assert texts(following_it, StdStream.OUT) == b"a\xff\x00b\ndone"
    assert b"FAILED, exit status 7" in texts(following_it, StdStream.ERR)
    assert job in {past.id for past in await login.slurm.past(HOST)}


async def test_following_goes_on_over_a_lost_connection_without_losing_or_repeating_a_byte(login: Login) -> None:
    gate = login.host.home / "gate"
    job = await login.submit(f"seq 1 1000; until test -e {gate}; do sleep 0.05; done; seq 1001 2000")
    following_it = login.follow(job, offset=2)
    await until(lambda: b"\n1000" in texts(following_it, StdStream.OUT))
    login.host.cut()
    await until(lambda: b"connection was lost" in texts(following_it, StdStream.ERR))
    gate.touch()
    outcome = await following_it.wait()
    assert outcome.exit == ExitReport(0)
    assert texts(following_it, StdStream.OUT) == b"\n".join(b"%d" % number for number in range(2, 2001))


async def test_a_job_is_cancelled_and_what_follows_it_ends(login: Login) -> None:
    job = await login.submit("echo begun; sleep 1000")
    following_it = login.follow(job)
    await until(lambda: b"begun" in texts(following_it, StdStream.OUT))
    cancelled = await login.slurm.cancel(HOST, job)
    assert cancelled.state in {"CANCELLED", "COMPLETING", "RUNNING"}
    outcome = await following_it.wait()
    assert outcome.exit is not None
    assert outcome.exit.status not in (None, 0)
    assert b"CANCELLED" in texts(following_it, StdStream.ERR)


async def test_tasks_of_an_array_are_seen_followed_and_cancelled(login: Login) -> None:
    array = await login.submit("echo task $SLURM_ARRAY_TASK_ID", extra=("--array=1-3", "--hold"))
    waiting = next(job for job in (await login.slurm.poll(HOST).now()).jobs if job.id.startswith(array))
    assert (waiting.id, waiting.reason) == (f"{array}_[1-3]", "JobHeldUser")
    refused = await login.follow(waiting.id).wait()
    assert refused.error is not None
    assert refused.error.code is Code.USAGE
    assert (await login.slurm.cancel(HOST, waiting.id)).ended


async def test_stopping_to_follow_leaves_the_job_alone(login: Login) -> None:
    job = await login.submit("echo begun; sleep 1000")
    following_it = login.follow(job)
    await until(lambda: b"begun" in texts(following_it, StdStream.OUT))
    outcome = await following_it.cancel()
    assert outcome.error is not None
    assert outcome.error.code is Code.INTERRUPTED
    assert (await login.slurm.job(HOST, job)).job.runs


async def test_what_slurm_refuses_is_told_in_its_words(login: Login) -> None:
    for asked, code, words in (
        (login.submit("true", partition="nope"), Code.SLURM_REFUSED, "invalid partition"),
        (login.slurm.submit(HOST, Submission(path=b"/nonexistent")), Code.SLURM_REFUSED, "/nonexistent"),
        (login.slurm.cancel(HOST, "99999"), Code.SLURM_JOB_UNKNOWN, "99999"),
        (login.slurm.job(HOST, "1; rm -rf /"), Code.USAGE, "not a job"),
    ):
        with pytest.raises(FairleadError) as caught:
            await asked
        assert caught.value.code is code
        assert words.casefold() in caught.value.message.casefold()


async def test_partitions_tell_their_limits_and_states(login: Login) -> None:
    partitions = {one.name: one for one in await login.slurm.nodes(HOST)}
    assert (partitions["work"].default, partitions["work"].up, partitions["work"].limit) == (True, True, 3600.0)
    assert (partitions["closed"].up, partitions["work"].nodes) == (False, 1)


async def test_where_there_is_no_controller_slurm_does_not_answer(cluster: Slurm, tmp_path: Path) -> None:
    broken = tmp_path / "slurm.conf"
    text = "\n".join(line for line in cluster.conf.read_text().splitlines() if "SlurmctldPort" not in line)
    broken.write_text(f"{text}\nSlurmctldPort=1\nMessageTimeout=2\n")
    async with login_host(tmp_path, f"SetEnv SLURM_CONF={broken}", shell="/bin/sh") as host:
        service = SlurmService(sessions=host.sessions, clock=Quick(), permit=never_asks, admit=never_judges)
        with pytest.raises(FairleadError) as caught:
            await service.poll(HOST).now()
        assert caught.value.code is Code.SLURM_SILENT
        await service.close()


def test_the_command_line_submits_follows_tells_and_cancels(cluster: Slurm, tmp_path: Path) -> None:
    home = tmp_path / "account"
    with (
        throw_away_user(home, shell="/bin/sh") as user,
        sshd(tmp_path / "server", f"SetEnv SLURM_CONF={cluster.conf}") as box,
    ):
        box.authorized_keys.chmod(0o644)
        config = ssh_config(tmp_path / "ssh_config", {"box": replace(box, user=user)}, make_key(tmp_path / "key"))
        for directory in (box.root, *box.root.parents):
            if directory.stat().st_uid == 0 and len(directory.parts) > 2:
                directory.chmod(directory.stat().st_mode | 0o011)
        (tmp_path / "home").mkdir()
        program = Program(tmp_path / "home", env={"FAIRLEAD_SSH_CONFIG": str(config)})
        script = tmp_path / "job.sh"
        script.write_text("#!/bin/sh\necho one\nexit 5\n")
        ran = program.run("slurm", "box", "submit", str(script), "--cwd", str(home), "--follow")
        assert (ran.status, ran.out) == (5, b"one\n"), ran.err
        assert b"FAILED, exit status 5" in ran.err
        job = program.run("slurm", "box", "submit", "--wrap", "sleep 1000", "--cwd", str(home)).out.decode().strip()
        queue = program.run("slurm", "box", "--json").json
        assert [(one["id"], one["name"], one["user"]) for one in queue["jobs"]] == [(job, "wrap", user)]
        assert program.run("slurm", "box", "cancel", job).status == 0
