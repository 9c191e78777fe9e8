"""Commands that tell about the machine: uname, uptime, ps, free, id, date, journalctl, systemctl, nvidia-smi."""

from __future__ import annotations

import itertools
import random
import re
from datetime import datetime, timedelta
from typing import Final

from mocks.host import Process, Service, User
from mocks.shell.run import Run, command


@command("uname")
async def uname(run: Run) -> int:
    flags = run.options("asrnmov").flags or {"s"}
    machine = run.host.machine
    values = {"s": "Linux", "n": run.host.name, "r": machine.kernel, "v": "#1 SMP", "m": "x86_64", "o": "GNU/Linux"}
    await run.line(" ".join(value for key, value in values.items() if key in flags or "a" in flags))
    return 0


@command("hostname")
async def hostname(run: Run) -> int:
    await run.line(run.host.address if "-I" in run.arguments else run.host.name)
    return 0


@command("whoami", "logname")
async def whoami(run: Run) -> int:
    await run.line(run.user.name)
    return 0


_SYSTEM_ACCOUNTS: Final = {name: User(name, uid) for name, uid in (("root", 0), ("www-data", 33), ("nobody", 65534))}


@command("id")
async def id_(run: Run) -> int:
    options = run.options("ungG")
    flags, user = options.flags, run.user
    if options.rest:
        known = run.host.users.get(options.rest[0]) or _SYSTEM_ACCOUNTS.get(options.rest[0])
        if known is None:
            return await run.complain(f"'{options.rest[0]}': no such user")
        user = known
    if "u" in flags or "g" in flags:
        await run.line(user.name if "n" in flags else str(user.uid))
        return 0
    groups = ",".join(f"{gid}({name})" for name, gid in ((user.name, user.uid), *user.groups))
    await run.line(f"uid={user.uid}({user.name}) gid={user.uid}({user.name}) groups={groups}")
    return 0


@command("groups")
async def groups(run: Run) -> int:
    await run.line(" ".join([run.user.name, *(name for name, _ in run.user.groups)]))
    return 0


def _ago(span: timedelta) -> str:
    hours, minutes = divmod(span.seconds // 60, 60)
    days = f"{span.days} days, " if span.days else ""
    return f"{days}{hours:2}:{minutes:02}"


@command("uptime")
async def uptime(run: Run) -> int:
    now, up = run.clock.now(), run.clock.now() - run.host.booted
    if "-p" in run.arguments:
        await run.line(f"up {up.days} days, {up.seconds // 3600} hours")
        return 0
    load = ", ".join(f"{value:.2f}" for value in run.host.machine.load)
    await run.line(f" {now:%H:%M:%S} up {_ago(up)},  1 user,  load average: {load}")
    return 0


@command("date")
async def date(run: Run) -> int:
    now = run.host.now()
    form = next((word[1:] for word in run.arguments if word.startswith("+")), "")
    form = form.replace("%s", str(int(now.timestamp()))).replace("%N", f"{now.microsecond * 1000:09}")
    await run.line(now.strftime(form) if form else f"{now:%a %b} {now.day:2} {now:%H:%M:%S} UTC {now:%Y}")
    return 0


@command("free")
async def free(run: Run) -> int:
    flags = run.options("hmgkb").flags
    scale, unit = next(((s, u) for f, s, u in (("h", 30, "Gi"), ("m", 20, ""), ("g", 30, "")) if f in flags), (10, ""))
    total, used = run.host.machine.memory, run.host.machine.memory_used

    def shown(size: int) -> str:
        return f"{size / (1 << 30):.1f}{unit}" if unit else str(size >> scale)

    cached = (total - used) // 2
    await run.line("               total        used        free      shared  buff/cache   available")
    columns = (total, used, total - used - cached, total // 100, cached, total - used)
    await run.line("Mem:    " + " ".join(f"{shown(size):>11}" for size in columns))
    await run.line("Swap:   " + " ".join(f"{shown(size):>11}" for size in (0, 0, 0)))
    return 0


@command("nproc")
async def nproc(run: Run) -> int:
    await run.line(str(run.host.machine.cores))
    return 0


@command("lsb_release")
async def lsb_release(run: Run) -> int:
    await run.line(f"Description:\t{run.host.machine.system}")
    return 0


@command("ps")
async def ps(run: Run) -> int:
    words = "".join(run.arguments)
    everything = any(letter in words for letter in "aexA")
    own = Process(run.shell.pid, run.user.name, f"-{run.user.shell.rpartition('/')[2]}", started=timedelta(seconds=4))
    listed = [*run.host.processes.values(), own]
    if not everything:
        await run.line("    PID TTY          TIME CMD")
        await run.line(f"{own.pid:>7} pts/0    00:00:00 {own.command.lstrip('-')}")
        return 0
    if "f" in words and "u" not in words:
        await run.line("UID          PID    PPID  C STIME TTY          TIME CMD")
    else:
        await run.line("USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND")
    now = run.clock.now()
    for process in sorted(listed, key=lambda one: one.pid):
        start = (
            f"{now - process.started:%H:%M}" if process.started < timedelta(days=1) else f"{now - process.started:%b%d}"
        )
        if "f" in words and "u" not in words:
            await run.line(
                f"{process.user:<8} {process.pid:>7} {process.parent:>7}  0 {start} ?        00:00:00 {process.command}"
            )
        else:
            await run.line(
                f"{process.user:<8} {process.pid:>7} {process.cpu:>4.1f} {process.memory:>4.1f} {process.rss * 4:>6} "
                f"{process.rss:>5} ?        Sl   {start}   0:00 {process.command}"
            )
    return 0


@command("pgrep", "pidof")
async def pgrep(run: Run) -> int:
    words = run.options("fal", valued="u").rest
    found = [process for process in run.host.processes.values() if words and words[0] in process.command]
    for process in found:
        await run.line(str(process.pid))
    return int(not found)


@command("clear")
async def clear(run: Run) -> int:
    await run.out(b"\x1b[H\x1b[2J")
    return 0


@command("tty")
async def tty(run: Run) -> int:
    await run.line("/dev/pts/0" if run.terminal else "not a tty")
    return int(run.terminal is None)


@command("tput")
async def tput(run: Run) -> int:
    size = run.terminal.size if run.terminal else None
    values = {"cols": size.columns if size else 80, "lines": size.rows if size else 24, "colors": 256}
    await run.line(str(values.get("".join(run.arguments[:1]), 0)))
    return 0


@command("getent")
async def getent(run: Run) -> int:
    wanted = run.arguments[1] if len(run.arguments) > 1 else ""
    if run.arguments[:1] == ["group"]:
        number = int(wanted) if wanted.isdecimal() else run.host.group_id(wanted)
        if number is not None:
            await run.line(f"{run.host.group_name(number)}:x:{number}:")
        return 2 if number is None else 0
    user = run.host.users.get(run.host.user_name(int(wanted)) if wanted.isdecimal() else wanted)
    if run.arguments[:1] != ["passwd"] or user is None:
        return 2
    await run.line(f"{user.name}:x:{user.uid}:{user.uid}::{user.home_path.decode()}:{user.shell}")
    return 0


# --- systemd -------------------------------------------------------------------------------------------------------


@command("systemctl")
async def systemctl(run: Run) -> int:
    words = run.options("alq", valued="n").rest
    action = words[0] if words else "list-units"
    if action in ("list-units", "list-unit-files"):
        return await _list_units(run)
    if action == "is-system-running":
        failed = any(service.active == "failed" for service in run.host.services)
        await run.line("degraded" if failed else "running")
        return int(failed)
    service = find_service(run, words[1] if len(words) > 1 else "")
    if service is None:
        return await _no_unit(run, words[1] if len(words) > 1 else "")
    if action == "is-active":
        await run.line(service.active)
        return 0 if service.active == "active" else 3
    if action == "status":
        return await _status(run, service)
    if run.actor.uid != 0:
        return await run.complain(f"Failed to {action} {service.name}.service: Interactive authentication required.")
    return 0


def find_service(run: Run, name: str) -> Service | None:
    wanted = name.removesuffix(".service")
    return next((service for service in run.host.services if service.name == wanted), None)


async def _no_unit(run: Run, name: str) -> int:
    await run.streams.stderr.write(f"Unit {name.removesuffix('.service')}.service could not be found.\n".encode())
    return 4


async def _list_units(run: Run) -> int:
    failed = "--failed" in run.arguments or "--state=failed" in run.arguments
    units = [service for service in run.host.services if not failed or service.active == "failed"]
    await run.line("  UNIT                     LOAD   ACTIVE SUB     DESCRIPTION")
    for service in units:
        mark = "●" if service.active == "failed" else " "
        unit = f"{service.name}.service"
        await run.line(f"{mark} {unit:<24} loaded {service.active:<6} {service.sub:<7} {service.description}")
    await run.line(f"\n{len(units)} loaded units listed.")
    return 0


async def _status(run: Run, service: Service) -> int:
    colour = {"active": "\x1b[32m", "failed": "\x1b[31m"}.get(service.active, "") if run.terminal else ""
    plain = "\x1b[0m" if colour else ""
    since = run.host.booted + timedelta(seconds=40)
    await run.line(f"{colour}●{plain} {service.name}.service - {service.description}")
    await run.line(f"     Loaded: loaded (/usr/lib/systemd/system/{service.name}.service; enabled; preset: enabled)")
    await run.line(
        f"     Active: {colour}{service.active} ({service.sub}){plain} since {since:%a %Y-%m-%d %H:%M:%S} UTC"
    )
    if service.pid:
        await run.line(f"   Main PID: {service.pid} ({service.name})")
    await run.line()
    for number in range(5, 0, -1):
        await run.line(journal_line(run, service, run.clock.now() - number * service.every))
    return 0 if service.active == "active" else 3


def journal_line(run: Run, service: Service, at: datetime, number: int = 0) -> str:
    """The `number`th of the lines that the unit wrote about that time; the same each time it is asked."""
    chance = random.Random(f"{service.name}{int(at.timestamp() // service.every.total_seconds())}:{number}")
    text = chance.choice(service.log or ("running.",))
    text = re.sub(r"#", lambda _match: str(chance.randrange(10)), text)
    return f"{at:%b %d %H:%M:%S} {run.host.name} {service.name}[{service.pid or 1}]: {text}"


@command("journalctl")
async def journalctl(run: Run) -> int:
    options = run.options("fxerb", valued="uncpSo")
    services = list(run.host.services)
    if "u" in options.values:
        service = find_service(run, options.values["u"])
        if service is None:
            await run.line("-- No entries --")
            return 0
        services = [service]
    count = int(options.values["n"]) if options.values.get("n", "").isdecimal() else 10 if "f" in options.flags else 60
    now = run.clock.now()
    stamped = [(now - number * one.every, one) for one in services if one.log for number in range(1, count + 1)]
    for at, one in sorted(stamped, key=lambda item: item[0])[-count:]:
        await run.line(journal_line(run, one, at))
    talking = [service for service in services if service.log and service.active == "active"]
    for number in itertools.count() if "f" in options.flags else ():
        await run.clock.sleep(run.host.random.uniform(0.2, 1.6))
        if talking:
            await run.line(journal_line(run, run.host.random.choice(talking), run.clock.now(), number))
    return 0


@command("nvidia-smi")
async def nvidia_smi(run: Run) -> int:
    gpus = run.host.machine.gpus
    bar = "+" + "-" * 77 + "+"
    await run.line(f"{run.clock.now():%a %b %d %H:%M:%S %Y}")
    await run.line(bar)
    await run.line("| NVIDIA-SMI 570.86.15    Driver Version: 570.86.15    CUDA Version: 12.8        |")
    await run.line(bar)
    for number, gpu in enumerate(gpus):
        text = (
            f"{number:>3}  {gpu.name:<28} {gpu.temperature:>3}C  {gpu.used:>6}MiB / {gpu.memory:>6}MiB  {gpu.load:>3}%"
        )
        await run.line(f"| {text:<75} |")
    await run.line(bar)
    for number, gpu in enumerate(gpus):
        if gpu.command:
            await run.line(f"| {f'{number:>3}  {gpu.command:<52} {gpu.used:>6}MiB':<75} |")
    await run.line(bar)
    return 0
