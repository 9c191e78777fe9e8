"""Detached jobs of simulated hosts: as files where Fairlead's own scripts would have left them, and what runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta
from urllib.parse import quote
from uuid import UUID, uuid5

from backend.dataclass import dataclass
from mocks.host import SimulatedHost, User

_NAMES = UUID("6f1c1a34-5c2e-4a55-9d0e-0a2c7c1e2b11")
KEEPER_KB = 1800


@dataclass(slots=True)
class Running:
    """A job that is under way."""

    pid: int
    processes: int = 2
    resident: int = 3 * KEEPER_KB
    """kB"""
    peak: int = 3 * KEEPER_KB
    cpu: float = 0.02
    """Of each second that goes by."""
    since: float = 0.0
    """Seconds since 1970."""
    task: asyncio.Task[int] | None = None
    """What runs it; none for those that the world began with."""


def boot_of(host: SimulatedHost) -> str:
    """What /proc/sys/kernel/random/boot_id would say."""
    return str(uuid5(_NAMES, f"{host.name}:{host.boots}" if host.boots else host.name))


def base_of(user: User) -> str:
    """Where the jobs of `user` are kept."""
    return f"{user.home_path.decode()}/.local/state/fairlead/jobs"


def about(host: SimulatedHost, *, name: str, command: str, cwd: str, started: float, variables: str = "") -> str:
    """What a job's `about` holds."""
    return (
        f"fairlead-job 1\nname {_encoded(name)}\ncommand {_encoded(command)}\nlength {len(command.encode())}\n"
        f"variables {_encoded(variables)}\ncwd {_encoded(cwd)}\nstarted {started:.0f}\nboot {boot_of(host)}\n"
    )


def _encoded(text: str) -> str:
    return quote(text, safe=" !\"#$&'()*+,/:;<=>?@[\\]^`{|}~", errors="surrogateescape")


def add_job(
    host: SimulatedHost,
    user: str,
    command: str,
    *,
    name: str = "",
    cwd: str = "",
    ago: timedelta,
    out: str = "",
    err: str = "",
    ended: tuple[int, timedelta] | None = None,
    running: Running | None = None,
) -> None:
    """Put a job there that was started `ago`: `ended` with a status so long after that, or `running`, or vanished."""
    started = host.now() - ago
    digits = f"{abs(hash_of(host.name + command)) % 16**10:010x}"
    job_id = f"{started.astimezone(UTC):%Y%m%d-%H%M%S}-{digits}"
    directory = f"{base_of(host.users[user])}/{job_id}"
    where = cwd or host.users[user].home_path.decode()
    texts = {
        "about": about(host, name=name, command=command, cwd=where, started=started.timestamp()),
        "command": command,
        "out": out,
        "err": err,
        "pid": f"{running.pid if running else 3999} 1000 {running.pid if running else 3999} 0\n",
    }
    if ended is not None:
        texts["rc"] = f"{ended[0]} {(started + ended[1]).timestamp():.0f}\n"
    for file, text in texts.items():
        host.add_text(f"{directory}/{file}", text, owner=user, mode=0o600, age=ago)
    if running is not None:
        running.since = started.timestamp()
        host.jobs[job_id] = running


def hash_of(text: str) -> int:
    """The same number each time."""
    return uuid5(_NAMES, text).int
