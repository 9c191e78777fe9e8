"""Detached jobs on a real server: started once, followed to the byte, judged by what is there, ended as a whole."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import cast

import pytest

from backend.clock import SystemClock
from backend.commands.jobs.host import HostJobs
from backend.commands.jobs.logs import JobLogs
from backend.commands.jobs.model import Job, JobSpec, JobState, LogCut, LogPiece
from backend.commands.jobs.service import JobService
from backend.commands.quoting import posix_join
from backend.connection.connector import StdStream
from backend.connection.interaction import Nobody
from backend.connection.ssh.connector import SshConnector
from backend.connection.state import SessionChanged, SessionState
from backend.connection.target import Keepalive
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.errors import Code, FileError, LinkLost, SessionError
from backend.hosts.book import HostBook
from mocks.relay import Relay
from tests.support.openssh import make_key, sshd, target
from tests.support.transfer_world import OneHost
from tests.support.waiting import until

pytestmark = pytest.mark.sshd

HOST = "server"


class Hasty(SystemClock):
    """Waits a hundredth of the time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@dataclass
class Bench:
    """The services, the line to the one host, and what is on it."""

    container: Container
    relay: Relay
    there: Path
    """A directory of the host."""

    @property
    def jobs(self) -> JobService:
        return self.container.jobs

    @property
    def kept(self) -> Path:
        """Where the host keeps its jobs."""
        return self.there / ".local" / "state" / "fairlead" / "jobs"

    def connect_at_once(self, event: SessionChanged) -> None:
        if event.new is SessionState.RECONNECTING:
            asyncio.get_running_loop().call_soon(self.container.sessions.get(HOST).retry_now)

    async def start(self, line: str, **more: str) -> Job:
        return await self.jobs.start(HOST, JobSpec(line.encode("utf-8", "surrogateescape"), **more))  # type: ignore[arg-type]

    async def becomes(self, job: Job, *states: JobState) -> Job:
        """The job, as soon as it is in one of these states."""
        async with asyncio.timeout(20):
            while (now := await self.jobs.look(HOST, job.id)).state not in states:
                await asyncio.sleep(0.02)
            return now

    async def said(self, job: Job) -> tuple[bytes, bytes]:
        """All that it says, to its end."""
        logs = await self.jobs.logs(HOST, job.id)
        said = {StdStream.OUT: b"", StdStream.ERR: b""}
        async for piece in logs.pieces():
            assert isinstance(piece, LogPiece)
            assert piece.offset == len(said[piece.stream])
            said[piece.stream] += piece.data
        return said[StdStream.OUT], said[StdStream.ERR]


Benches = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
async def benches(tmp_path: Path) -> AsyncIterator[Benches]:
    """`async with benches(*lines_of_sshd_config) as bench`. What still runs in the end is ended."""
    there = tmp_path / "there"
    there.mkdir()

    @asynccontextmanager
    async def run(*lines: str, env: str = "") -> AsyncIterator[Bench]:
        settings = f"SetEnv HOME={there} {env}"
        async with AsyncExitStack() as stack:
            server = stack.enter_context(sshd(tmp_path / "server", settings, *lines))
            key = make_key(tmp_path / "key")
            server.authorize(key)
            relay = await stack.enter_async_context(Relay("127.0.0.1", server.port))
            known = server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
            hop = server.hop(keys=[key], known=known, port=relay.port, keepalive=Keepalive(0.5, 0.5, 4))
            vault = Vault()
            container = await stack.enter_async_context(
                open_container(
                    connector=SshConnector(vault=vault, clock=SystemClock()),
                    book=cast(HostBook, OneHost(target(hop))),
                    interaction=Nobody(),
                    state_dir=tmp_path / "state",
                    vault=vault,
                    chance=Random(1),
                    bulk_apart=False,
                )
            )
            yield Bench(container, relay, there)

    yield run
    for pid in there.glob(".local/state/fairlead/jobs/*/pid"):
        end(int(pid.read_text().split()[0]))


def end(pid: int, *, group: bool = True) -> None:
    """Kill from outside, as an administrator or the out-of-memory killer might."""
    try:
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


# --- arguments and environment -------------------------------------------------------------------------------------

HOSTILE = [
    b"",
    b"-n",
    b"--",
    b"it's",
    b'"',
    b"a b",
    b"a\nb\n",
    b"$(id)`id`$HOME",
    b"\xff\xfe\x80",
    b"*",
    b"\\",
    b"!x",
    b"%s%41",
]


async def test_arguments_and_variables_arrive_byte_for_byte(benches: Benches) -> None:
    value = os.fsdecode(b"it's\n\xff $HOME")
    async with benches() as bench:
        command = posix_join([b"/usr/bin/printf", b"%s\\0", *HOSTILE]) + b'; /usr/bin/printf %s "$WHAT" >&2'
        job = await bench.jobs.start(HOST, JobSpec(command, env={"WHAT": value}))
        out, err = await bench.said(job)
        assert out.split(b"\0")[:-1] == HOSTILE
        assert err == os.fsencode(value)
        kept = bench.kept / job.id
        assert (kept / "command").read_bytes() == command
        assert job.command == command
        assert job.variables == ("WHAT",)
        assert all(os.fsencode(value) not in file.read_bytes() for file in kept.iterdir() if file.name != "err")
        assert {oct(path.stat().st_mode & 0o077) for path in (kept, *kept.iterdir())} == {"0o0"}


async def test_a_job_has_a_session_of_its_own_and_the_persons_umask(benches: Benches) -> None:
    async with benches() as bench:
        job = await bench.start("umask; ps -o sid=,tty= -p $$; cat; trap", cwd=os.fsencode(bench.there))  # type: ignore[arg-type]
        out, _ = await bench.said(job)
        mask, session = out.decode().splitlines()[:2]
        assert mask == "0022"
        assert session.split() == [str(job.pid), "?"]
        assert job.cwd == os.fsencode(bench.there)


# --- how it stands -------------------------------------------------------------------------------------------------


async def test_a_job_that_was_killed_from_outside_has_vanished(benches: Benches) -> None:
    async with benches() as bench:
        job = await bench.start("sleep 600")
        assert job.pid is not None
        end(job.pid)
        assert (await bench.becomes(job, JobState.VANISHED)).status is None


async def test_a_job_whose_keeper_was_killed_goes_on_and_can_be_stopped(benches: Benches) -> None:
    async with benches() as bench:
        job = await bench.start(f"sleep 600 & echo $! >{bench.there}/child; wait")
        assert job.pid is not None
        await until(lambda: (bench.there / "child").exists())
        end(job.pid, group=False)
        await until(lambda: not lives(job.pid or 0))
        orphan = await bench.jobs.look(HOST, job.id)
        assert (orphan.state, orphan.keeper) == (JobState.RUNNING, False)
        stopped = await bench.jobs.stop(HOST, job.id)
        assert (stopped.job.state, stopped.killed) == (JobState.ENDED, False)
        assert not lives(int((bench.there / "child").read_text()))


async def test_another_boot_means_that_it_ended_with_the_reboot(benches: Benches) -> None:
    async with benches() as bench:
        job = await bench.start("sleep 600")
        about = bench.kept / job.id / "about"
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        about.write_text(about.read_text().replace(boot, "11111111-2222-3333-4444-555555555555"))
        assert (await bench.jobs.look(HOST, job.id)).state is JobState.REBOOTED
        assert (await bench.jobs.stop(HOST, job.id)).job.state is JobState.REBOOTED
        assert job.pid is not None
        assert lives(job.pid), "a PID of another boot is somebody else's"


async def test_a_pid_that_is_used_again_is_left_alone(benches: Benches) -> None:
    async with benches() as bench:
        job = await bench.start("true")
        await bench.becomes(job, JobState.ENDED)
        bystander = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
        kept = bench.kept / job.id
        (kept / "rc").unlink()
        (kept / "pid").write_text(f"{bystander.pid} 12345 {bystander.pid} {bystander.pid}\n")
        assert (await bench.jobs.look(HOST, job.id)).state is JobState.VANISHED
        assert (await bench.jobs.stop(HOST, job.id)).job.state is JobState.VANISHED
        assert bystander.returncode is None
        assert lives(bystander.pid)
        bystander.kill()
        await bystander.wait()


async def test_what_others_put_among_the_jobs_harms_nobody(benches: Benches) -> None:
    async with benches() as bench:
        good = await bench.start("exit 1")
        await bench.becomes(good, JobState.ENDED)
        evil = "20200101-000000-0123456789"
        for name in (evil, "20200101-000000-1111111111", "20200101-000000-2222222222", "$(touch x)\n; -rf"):
            (bench.kept / name).mkdir()
        (bench.kept / evil / "about").write_bytes(
            b"fairlead-job 1\nname \x1b]0;x\x07%1b[31m\nstarted "
            + b"9" * 400
            + b"\nboot x\ncommand %ff%00\nend\n"
            + b"x" * 9_000_000
        )
        (bench.kept / evil / "rc").write_text("1 2\njob 20200101-000000-3333333333\n")
        os.mkfifo(bench.kept / "20200101-000000-1111111111" / "about")
        (bench.kept / "20200101-000000-2222222222" / "about").symlink_to("/dev/zero")
        jobs = (await bench.jobs.listing(HOST)).jobs
        assert [job.id for job in jobs if job.state is JobState.UNREADABLE] == [
            "20200101-000000-2222222222",
            "20200101-000000-1111111111",
        ]
        assert {job.id for job in jobs} >= {good.id, evil}
        assert all("3333333333" not in job.id for job in jobs)
        await bench.jobs.remove(HOST, "20200101-000000-1111111111")
        assert (bench.kept / "$(touch x)\n; -rf").exists()


# --- starting once -------------------------------------------------------------------------------------------------


async def test_a_start_whose_answer_is_lost_happens_once(benches: Benches) -> None:
    async with benches() as bench:
        await bench.container.sessions.get(HOST).link()
        bench.relay.cut_after(down=400)  # the request gets through, and its answer does not
        job = await bench.start(f"echo once >>{bench.there}/starts; sleep 600")
        assert job.state is JobState.RUNNING
        await until(lambda: (bench.there / "starts").exists())
        assert (bench.there / "starts").read_text() == "once\n"
        assert len(list(bench.kept.iterdir())) == 1


async def test_a_start_of_which_nothing_is_known_is_looked_up_by_its_id(benches: Benches) -> None:
    async with benches() as bench:
        session = bench.container.sessions.get(HOST)
        await session.link()
        bench.relay.black_hole()
        starting = asyncio.create_task(bench.start("true"))
        await until(lambda: session.state is SessionState.RECONNECTING)
        session.stop()
        with pytest.raises(LinkLost) as lost:
            await starting
        job_id = lost.value.evidence["job"]
        assert [(job.id, job.state) for job in await bench.jobs.noted()] == [(job_id, JobState.UNCONFIRMED)]
        bench.relay.heal()
        assert (await bench.jobs.look(HOST, job_id)).state is JobState.NOT_STARTED
        assert [job.state for job in (await bench.jobs.listing(HOST)).jobs] == [JobState.NOT_STARTED]
        await bench.jobs.remove(HOST, job_id)
        assert await bench.jobs.noted() == ()


async def test_stopping_outlives_the_connection(benches: Benches) -> None:
    async with benches() as bench:
        bench.container.bus.subscribe(SessionChanged, bench.connect_at_once)
        line = f"trap 'touch {bench.there}/told; until [ -e {bench.there}/go ]; do sleep 0.01; done; exit 3' TERM"
        job = await bench.start(f"{line}; while :; do sleep 0.01; done")
        stopping = asyncio.create_task(bench.jobs.stop(HOST, job.id, grace=20))
        await until(lambda: (bench.there / "told").exists())
        bench.relay.cut()
        (bench.there / "go").touch()
        stopped = await stopping
        assert (stopped.job.state, stopped.job.status, stopped.killed) == (JobState.ENDED, 3, False)


# --- following -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
async def test_following_goes_on_from_the_exact_byte_across_cuts(benches: Benches, seed: int) -> None:
    chance = Random(seed)
    content = chance.randbytes(2_000_000)
    async with benches() as bench:
        bench.container.bus.subscribe(SessionChanged, bench.connect_at_once)
        (bench.there / "content").write_bytes(content)
        line = (
            "for n in 0 1 2 3 4 5 6 7; do dd bs=250000 skip=$n count=1 if=content 2>/dev/null; sleep 0.05; done; exit 9"
        )
        job = await bench.jobs.start(HOST, JobSpec(line.encode(), cwd=os.fsencode(bench.there)))
        logs = await bench.jobs.logs(HOST, job.id, {StdStream.OUT: 1000})
        got = bytearray()
        cuts = sorted(chance.randrange(len(content)) for _ in range(3))
        async with asyncio.timeout(40):
            async for piece in logs.pieces():
                assert isinstance(piece, LogPiece)
                assert piece.offset == 1000 + len(got)
                got += piece.data
                if cuts and len(got) > cuts[0]:
                    del cuts[0]
                    bench.relay.cut()
        assert got == content[1000:]
        assert cuts == []
        assert (logs.job.state, logs.job.status) == (JobState.ENDED, 9)


async def test_a_log_that_shrinks_is_told_and_read_from_its_beginning(benches: Benches) -> None:
    async with benches() as bench:
        job = await bench.start(f"echo before; until [ -e {bench.there}/go ]; do sleep 0.02; done; echo after")
        logs = await bench.jobs.logs(HOST, job.id)
        got: list[LogPiece | LogCut] = []
        async for piece in logs.pieces():
            got.append(piece)
            if len(got) == 1:
                os.truncate(bench.kept / job.id / "out", 0)
            if isinstance(piece, LogCut):
                (bench.there / "go").touch()
        assert got == [
            LogPiece(StdStream.OUT, 0, b"before\n"),
            LogCut(StdStream.OUT, 7, 0),
            LogPiece(StdStream.OUT, 0, b"after\n"),
        ]


async def test_logs_that_the_file_server_does_not_show_are_no_silence(benches: Benches) -> None:
    async with benches() as bench:
        job = await bench.start("echo something")
        (bench.kept / job.id / "out").rename(bench.kept / job.id / "moved")
        logs = await bench.jobs.logs(HOST, job.id)
        with pytest.raises(FileError) as missing:
            async for _ in logs.pieces():
                pass
        assert missing.value.code is Code.NOT_FOUND


async def test_a_job_that_is_removed_while_it_is_followed_is_said_to_be_gone(benches: Benches) -> None:
    async with benches() as bench:
        job = await bench.start("echo up; sleep 600")
        assert job.pid is not None
        session = bench.container.sessions.get(HOST)
        logs = JobLogs(session, HostJobs(session, SystemClock()), job, Hasty(), begin={StdStream.OUT: 0})
        with pytest.raises(SessionError) as gone:
            async for piece in logs.pieces():
                if isinstance(piece, LogPiece):
                    end(job.pid)
                    shutil.rmtree(bench.kept / job.id)
        assert gone.value.code is Code.JOB_UNKNOWN


# --- other hosts ---------------------------------------------------------------------------------------------------


async def test_busybox_is_enough(benches: Benches, tmp_path: Path) -> None:
    if (busybox := shutil.which("busybox")) is None:
        pytest.skip("no busybox")
    tools = tmp_path / "tools"
    tools.mkdir()
    process = await asyncio.create_subprocess_exec(busybox, "--install", "-s", str(tools))
    assert await process.wait() == 0
    async with benches(env=f"PATH={tools}") as bench:
        job = await bench.start(f"echo $PATH; trap '' TERM; sleep 600 & echo $! >{bench.there}/child; wait; sleep 600")
        await until(lambda: (bench.there / "child").exists())
        now = await bench.jobs.look(HOST, job.id)
        assert now.usage is not None
        assert now.usage.processes >= 3
        stopped = await bench.jobs.stop(HOST, job.id, grace=0)
        assert (stopped.job.status, stopped.killed) == (137, True)
        assert not lives(int((bench.there / "child").read_text()))
        out, err = await bench.said(job)
        assert (out, err.splitlines()[-1]) == (f"{tools}\n".encode(), b"Killed")  # the job's shell may say more
        table = await bench.container.processes.table(HOST)
        assert table.by_pid()[os.getpid()].parent == os.getppid()
        assert table.odd == 0
