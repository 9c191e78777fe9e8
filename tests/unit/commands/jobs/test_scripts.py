"""The scripts in real shells: what was asked for arrives byte for byte, once, or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backend.commands.jobs import scripts
from backend.commands.jobs.model import Job, JobState, new_id
from backend.commands.jobs.records import encode, jobs_of, read
from backend.commands.quoting import exports, posix_join
from tests.support.broken_awk import broken_awk

SHELLS = [["sh"], ["bash"], ["busybox", "sh"]]
NOW = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
HOSTILE = b"!'\\\"$`\n\r\t #~*?[]{}()<>|&;%^=-@"
arguments = st.lists(
    st.one_of(
        st.binary(max_size=12).map(lambda raw: raw.replace(b"\0", b"")),
        st.lists(st.sampled_from([bytes([byte]) for byte in HOSTILE]), max_size=10).map(b"".join),
    ),
    min_size=1,
    max_size=6,
)
few = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _run(shell: list[str], script: bytes, home: Path, **env: str) -> bytes:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "SHELL": "/bin/sh", **env}
    ended = subprocess.run([*shell, "-s"], input=script, env=environment, capture_output=True, check=False)
    assert ended.stderr == b""
    return ended.stdout


def _start(job_id: str, command: bytes, *, cwd: bytes | None = None, **env: str) -> bytes:
    return scripts.start(
        job_id,
        command=command,
        head=encode(command),
        name=encode(b"-n \xff\nx"),
        variables=encode(" ".join(env).encode()),
        cwd=cwd,
        setting=b"\n".join(exports(env)),
    )


def _job(answer: bytes) -> Job:
    (job,) = jobs_of(read(answer), "h", NOW)
    return job


def _kept(home: Path, job_id: str) -> Path:
    return home / ".local/state/fairlead/jobs" / job_id


def _ended(kept: Path) -> Path:
    """The directory, when the job has come to its end."""
    deadline = time.monotonic() + 20
    while not (kept / "rc").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return kept


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@few
@given(given_arguments=arguments, value=arguments)
@example(
    given_arguments=[b"", b"-n", b"--", b"it's", b"a\nb\n", b"$(id)", b"\xff\xfe", b"@setting@"], value=[b"@keeper@\n"]
)
def test_arguments_and_variables_arrive(
    shell: list[str], tmp_path: Path, given_arguments: list[bytes], value: list[bytes]
) -> None:
    job_id, command = (
        new_id(NOW),
        posix_join([b"/usr/bin/printf", b"%s\\0", *given_arguments]) + b'; printf %s "$A" >&2',
    )
    text = os.fsdecode(b"".join(value))
    where = tmp_path / "a b'$(id)"
    where.mkdir(exist_ok=True)
    job = _job(_run(shell, _start(job_id, command, cwd=os.fsencode(where), A=text), tmp_path))
    kept = _ended(_kept(tmp_path, job_id))
    assert (kept / "out").read_bytes() == b"".join(argument + b"\0" for argument in given_arguments)
    assert (kept / "err").read_bytes() == os.fsencode(text)
    assert (kept / "command").read_bytes() == command
    assert (job.command, job.cwd, job.name) == (command, os.fsencode(where), "-n \\xff\nx")


@few
@given(st.data())
def test_a_script_that_arrives_in_part_does_nothing(tmp_path: Path, data: st.DataObject) -> None:
    whole = _start(new_id(NOW), b"touch started", cwd=os.fsencode(tmp_path))
    part = whole[: data.draw(st.integers(0, len(whole) - len(b"} </dev/null\n")))]
    subprocess.run(["sh", "-s"], input=part, env={"HOME": str(tmp_path)}, capture_output=True, check=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_process_that_ends_while_it_is_read_hides_no_other(shell: list[str], tmp_path: Path) -> None:
    script = _start(new := new_id(NOW), b"sleep 60", cwd=os.fsencode(tmp_path))
    _run(shell, script, tmp_path)
    broken = broken_awk(tmp_path)
    job = _job(_run(shell, scripts.look(new), tmp_path, PATH=broken))
    assert job.state is JobState.RUNNING and job.usage is not None and job.usage.processes >= 1
    stopped = _run(shell, scripts.stop(new, grace=5), tmp_path, PATH=broken)
    assert stopped.startswith(b"stopped ") and _ended(_kept(tmp_path, new))
    assert _job(_run(shell, scripts.look(new), tmp_path)).state is JobState.ENDED


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_one_id_starts_once_however_often_it_is_asked_for(shell: list[str], tmp_path: Path) -> None:
    script = _start(new := new_id(NOW), b"echo once >>starts; exit 6", cwd=os.fsencode(tmp_path))
    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(lambda _: _run(shell, script, tmp_path), range(4)))
    assert {_job(answer).state for answer in answers} <= {JobState.RUNNING, JobState.ENDED}
    _ended(_kept(tmp_path, new))
    assert _job(_run(shell, script, tmp_path)).status == 6
    assert (tmp_path / "starts").read_text() == "once\n"


def test_variables_of_the_job_do_not_mislead_its_keeper(tmp_path: Path) -> None:
    script = _start(new := new_id(NOW), b"echo $PATH; exit 4", PATH="/nowhere", LC_ALL="xx_XX.UTF-8")
    _run(["sh"], script, tmp_path)
    kept = _ended(_kept(tmp_path, new))
    assert (kept / "out").read_text() == "/nowhere\n"
    assert (kept / "rc").read_text().split()[0] == "4"


def test_room_for_the_status_is_set_aside_at_the_start(tmp_path: Path) -> None:
    script = _start(new := new_id(NOW), b"until [ -e go ]; do sleep 0.01; done", cwd=os.fsencode(tmp_path))
    _run(["sh"], script, tmp_path)
    room = (_kept(tmp_path, new) / "rc.new").stat()
    assert room.st_size == 65
    (tmp_path / "go").touch()
    status = (_ended(_kept(tmp_path, new)) / "rc").stat()
    assert (status.st_ino, status.st_size) == (room.st_ino, 65), "the same block, under its own name"


_NEEDED = ("mkdir", "rm", "mv", "od", "tr", "sed", "date", "awk", "sleep", "ls", "wc", "cat")


def _tools(directory: Path, *more: str, **made: str) -> Path:
    """A directory with what a bare host has, and programs made for the test."""
    directory.mkdir()
    for name in (*_NEEDED, *more):
        found = shutil.which(name)
        assert found is not None
        (directory / name).symlink_to(found)
    for name, text in made.items():
        path = directory / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    return directory


@pytest.mark.parametrize("more", [(), ("perl",), ("setsid",)], ids=lambda more: "".join(more) or "nothing")
def test_a_host_without_setsid_still_has_jobs_that_end_as_a_whole(tmp_path: Path, more: tuple[str, ...]) -> None:
    tools = _tools(tmp_path / "tools", *more)
    line = b"sleep 600 & echo $! >child; wait"
    script = _start(new := new_id(NOW), line, cwd=os.fsencode(tmp_path))
    job = _job(_run(["/bin/sh"], script, tmp_path, PATH=str(tools)))
    assert (job.state, job.keeper) == (JobState.RUNNING, True)
    while not (tmp_path / "child").exists() or not (child := (tmp_path / "child").read_text().strip()):
        time.sleep(0.005)
    session = Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2].split()[3]
    assert (session == str(job.pid)) is bool(more)
    stopped = _run(["/bin/sh"], scripts.stop(new, grace=5), tmp_path, PATH=str(tools))
    assert stopped == b"stopped no\n"
    assert _job(_run(["/bin/sh"], scripts.look(new), tmp_path, PATH=str(tools))).status == 143
    assert not _lives(child)


def _lives(pid: str) -> bool:
    """Whether the process is there, and more than a zombie. It may go while it is looked at."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("lingers", [True, False])
def test_where_logind_ends_processes_a_scope_is_used_or_the_risk_is_told(tmp_path: Path, lingers: bool) -> None:
    """What logind and systemd-run say is made up, and so is where systemd is seen to run."""
    tools = _tools(
        tmp_path / "tools",
        "setsid",
        "timeout",
        id='if [ "$1" = -u ]; then echo 1000; else echo mara; fi',
        busctl="echo b true",
        systemd_run=f'echo "$@" >>{tmp_path}/scopes; while [ "$1" != -- ] && [ "$1" != true ]; do shift; done\n'
        '[ "$1" = true ] || { shift; exec "$@"; }',
    )
    (tmp_path / "linger").mkdir()
    if lingers:
        (tmp_path / "linger" / "mara").touch()
    script = _start(new := new_id(NOW), b"exit 5")
    script = script.replace(b"/run/systemd/system", bytes(tmp_path)).replace(b"/var/lib/systemd", bytes(tmp_path))
    job = _job(_run(["/bin/sh"], script, tmp_path, PATH=str(tools)))
    assert ("enable-linger" in job.risk) is not lingers
    assert (_ended(_kept(tmp_path, new)) / "rc").read_text().split()[0] == "5"
    assert (tmp_path / "scopes").exists() is lingers
