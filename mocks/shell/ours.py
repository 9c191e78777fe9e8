"""Fairlead's own scripts for jobs, processes, deep checks, refused logins and more, answered without running them.

A simulated shell knows no awk and no /proc. The scripts begin with a line that says what is asked; what they would do
on a real host is done here to the same files, so that everything above sees the same.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from contextlib import suppress
from datetime import timedelta

from backend.errors import FileError
from mocks.host import Process
from mocks.jobs import KEEPER_KB, Running, about, base_of, boot_of
from mocks.pipes import Collector, TextSource
from mocks.shell import inside, slow, space
from mocks.shell.deep import look_into, restart
from mocks.shell.interpreter import ExitShell, Signalled
from mocks.shell.run import OpenFile, Run, Streams, encode

_HEAD = re.compile(r"\{ set -- (fairlead .*?)\nshift 3\n", re.DOTALL)
_PLACE = re.compile(r"if mkdir [^\n]*\n  (.*) >/dev/null 2>&1 \|\| nowhere\n", re.DOTALL)
_NOWHERE = re.compile(r"nowhere\(\) \{\n[^\n]*\n(.*?\n  fi)\n", re.DOTALL)
_SETTING = re.compile(r"path=\$PATH\n(.*?)\n *exec ", re.DOTALL)
_DEADLY = {"TERM": 15, "KILL": 9, "INT": 2, "HUP": 1, "QUIT": 3}


def asked(script: str) -> list[str] | None:
    """What one of our own scripts is to do, with its arguments; None for any other script."""
    match = _HEAD.match(script)
    return None if match is None else shlex.split(match[1])[1:]


async def answer(run: Run, words: list[str], script: str) -> int:
    """Do it, and say what the script would say."""
    match words:
        case ["jobs", *rest]:
            return await _job(run, rest, script)
        case ["slow", what, marker, *_]:
            return await slow.answer(run, what, marker)
        case ["processes", "list"]:
            return await _processes(run)
        case ["processes", "signal", pid, start, signal]:
            return await _signal(run, int(pid), start, signal)
        case ["space", path]:
            return await space.look(run, path)
        case ["inside", user, marker]:
            return await inside.look(run, user, marker)
        case ["deep", "check"]:
            return await look_into(run)
        case ["recovery", "restart", unit]:
            return await restart(run, unit)
        case ["recovery", "clear"]:
            await run.line("end")
            return 0
    return 2


# --- jobs ----------------------------------------------------------------------------------------------------------


async def _job(run: Run, words: list[str], script: str) -> int:
    match words:
        case ["start", *rest]:
            return await _start(run, rest, script)
        case ["look", job_id, _]:
            return await _look(run, job_id)
        case ["stop", job_id, _]:
            return await _stop(run, job_id)
        case ["remove", job_id]:
            return await _remove(run, job_id)
    return 2


async def _start(run: Run, words: list[str], script: str) -> int:
    job_id, name, _, _, variables, command = words
    directory, host = f"{base_of(run.user)}/{job_id}", run.host
    if not host.tree.exists(encode(directory)):
        shell, said = run.shell.child(), Collector()
        place, setting = _PLACE.search(script), _SETTING.search(script)
        streams = Streams(TextSource(), said, said)
        if place is not None and await shell.run_text(place[1], streams) != 0:
            why = _NOWHERE.search(script)
            return await shell.run_text(why[1], run.streams) if why is not None else 1
        if setting is not None:
            await shell.run_text(setting[1], streams)
        cwd, shell.pid = shell.variables["PWD"], host.new_pid()
        texts = {
            "about": about(host, name=name, command=command, cwd=cwd, started=host.time(), variables=variables),
            "command": command,
            "pid": f"{shell.pid} 1000 {shell.pid} {shell.pid}\n",
            "out": "",
            "err": "",
        }
        for file, text in texts.items():
            host.add_text(f"{directory}/{file}", encode(text), owner=run.user.name, mode=0o600)
        running = Running(shell.pid, since=host.time())
        host.jobs[job_id] = running
        both = [_log(run, directory, file) for file in ("out", "err")]
        running.task = asyncio.create_task(shell.run_text(command, Streams(TextSource(), *both)))
        running.task.add_done_callback(lambda task: _ended(run, job_id, task))
    return await _look(run, job_id)


def _log(run: Run, directory: str, file: str) -> OpenFile:
    path = encode(f"{directory}/{file}")
    return OpenFile(run.host, run.host.tree.open_writing(path), path)


def _ended(run: Run, job_id: str, task: asyncio.Task[int]) -> None:
    """Note the end, as the keeper does."""
    run.host.jobs.pop(job_id, None)
    status = 143 if task.cancelled() else _status(task)
    path = f"{base_of(run.user)}/{job_id}"
    if run.host.tree.exists(encode(path)):
        run.host.add_text(f"{path}/rc", f"{status} {run.host.time():.0f}\n", owner=run.user.name, mode=0o600)


def _status(task: asyncio.Task[int]) -> int:
    problem = task.exception()
    if isinstance(problem, ExitShell | Signalled):
        return problem.status
    return task.result() if problem is None else 1


async def _look(run: Run, wanted: str) -> int:
    base, host = base_of(run.user), run.host
    await run.line(f"boot {boot_of(host)}\nnow {host.time():.0f}\nbase {base}\nticks 100")
    with suppress(FileError):
        names = [name.decode() for name in host.tree.directory(encode(base), run.actor).names()]
        for job_id in sorted(names):
            if wanted in ("", job_id):
                await _tell(run, f"{base}/{job_id}", job_id)
        if wanted in names:
            sizes = [len(await _text(run, f"{base}/{wanted}/{file}")) for file in ("out", "err")]
            await run.line(f"size {sizes[0]} {sizes[1]}")
    await run.line("end")
    return 0


async def _tell(run: Run, directory: str, job_id: str) -> None:
    await run.line(f"job {job_id}")
    for line in (await _text(run, f"{directory}/about")).splitlines():
        await run.line(f"| {line}")
    await run.line(f"pid {(await _text(run, f'{directory}/pid')).split(' ')[0]}")
    running = run.host.jobs.get(job_id)
    if run.host.tree.exists(encode(f"{directory}/rc")):
        await run.line(f"rc {(await _text(run, f'{directory}/rc')).strip()}")
    elif running is None:
        await run.line("keeper gone")
    else:
        ticks = 100 * running.cpu * (run.host.time() - running.since)
        await run.line("keeper lives")
        await run.line(f"use {job_id} {running.processes} {running.resident} {running.peak} {ticks:.0f} 0 1")


async def _text(run: Run, path: str) -> str:
    with suppress(FileError):
        file, parts = run.open(path), []
        while piece := await file.read(1 << 16):
            parts.append(piece)
        return b"".join(parts).decode("utf-8", "surrogateescape")
    return ""


async def _stop(run: Run, job_id: str) -> int:
    running = run.host.jobs.get(job_id)
    if not run.host.tree.exists(encode(f"{base_of(run.user)}/{job_id}")):
        await run.line("unknown")
    elif running is None:
        await run.line("over")
    else:
        _end(run, job_id, running, 143)
        await run.line("stopped no")
    return 0


def _end(run: Run, job_id: str, running: Running, status: int) -> None:
    if running.task is not None:
        running.task.cancel()
        return
    run.host.jobs.pop(job_id, None)
    path = f"{base_of(run.user)}/{job_id}/rc"
    run.host.add_text(path, f"{status} {run.host.time():.0f}\n", owner=run.user.name, mode=0o600)


async def _remove(run: Run, job_id: str) -> int:
    path, tree = encode(f"{base_of(run.user)}/{job_id}"), run.host.tree
    if job_id in run.host.jobs:
        await run.line("running")
    elif not tree.exists(path):
        await run.line("unknown")
    else:
        for name in tuple(tree.directory(path).names()):
            tree.remove(path + b"/" + name)
        tree.rmdir(path)
        await run.line("removed")
    return 0


# --- processes -----------------------------------------------------------------------------------------------------


def _all(run: Run) -> list[Process]:
    """What runs, the shell that asks included."""
    own = Process(run.shell.pid, run.user.name, "sh -s", rss=900, started=run.host.started - run.clock.now())
    jobs = [_keeper(run, job) for job in run.host.jobs.values()]
    return [Process(1, "root", "/sbin/init", 0.1, rss=12_400, parent=0), *run.host.processes.values(), *jobs, own]


def _keeper(run: Run, job: Running) -> Process:
    before = timedelta(seconds=run.host.started.timestamp() - job.since)
    return Process(job.pid, run.user.name, "/bin/sh -c … fairlead-job", rss=KEEPER_KB, started=before)


def _start_of(run: Run, process: Process) -> int:
    return max(0, int(100 * (run.host.machine.up - process.started).total_seconds()))


async def _processes(run: Run) -> int:
    up = (run.clock.now() - run.host.booted).total_seconds()
    await run.line(f"linux\nticks 100\npage 4096\nup {up:.2f}\nmemory {run.host.machine.memory >> 10}")
    for one in _all(run):
        age = up - _start_of(run, one) / 100
        state = "R" if one.cpu > 20 else "S"
        await run.line(f"s {one.pid} {one.parent} {state} {_start_of(run, one)} {one.cpu * age:.0f} {one.rss // 4}")
    for one in _all(run):
        await run.line(f"p {one.pid} {one.user} {one.command}")
    await run.line("end")
    return 0


async def _signal(run: Run, pid: int, start: str, signal: str) -> int:
    found = next((one for one in _all(run) if one.pid == pid), None)
    if found is None:
        await run.line("gone")
    elif str(_start_of(run, found)) != start:
        await run.line("other")
    elif run.actor.uid != 0 and found.user != run.user.name:
        await run.line("refused kill: Operation not permitted")
    else:
        if signal in _DEADLY:
            run.host.processes.pop(pid, None)
            for job_id, job in tuple(run.host.jobs.items()):
                if job.pid == pid:
                    _end(run, job_id, job, 128 + _DEADLY[signal])
        await run.line("sent")
    return 0
