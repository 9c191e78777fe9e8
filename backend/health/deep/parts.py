"""Reads the answer to the deep check's script. Pure: whatever the host says, it neither fails nor grows without end."""

from __future__ import annotations

import re
from collections.abc import Callable

from backend.diagnostics.clock_offset import parse_date
from backend.health.deep.parts_bsd import boot_time, bsd_mount, pages, swap_usage, vm_number, vm_stat
from backend.health.deep.script import VERSION
from backend.health.deep.told import Card, Mount, Told, Usage
from backend.health.deep.words import LONGEST, MOST_EACH, clean, numbers, plain
from backend.text import show_bytes

MOST_LINES = 2000
MOST_LINE = 8200
"""Bytes of a line; what is longer is no line of ours."""

_DF = re.compile(
    r"(?P<device>.+?)\s+(?P<total>\d{1,19})\s+(?P<used>\d{1,19})\s+(?P<free>-?\d{1,19})\s+\S+\s+(?P<mount>/.*)"
)
_DF_BOTH = re.compile(
    r"(?P<device>.+?)\s+\d+\s+\d+\s+-?\d+\s+\d+%\s+(?P<used>\d{1,19})\s+(?P<free>\d{1,19})\s+\d+%\s+(?P<mount>/.*)"
)
"""Of BSD and macOS, whose `df -i` tells of kilobytes as well."""


def read_answer(output: bytes) -> Told:
    """What there is in `output`, of which the lines before our own may be anybody's."""
    told = Told()
    lines = output.split(b"\n", MOST_LINES + 1)
    told.cut = len(lines) > MOST_LINES
    for line in lines[:MOST_LINES]:
        word, _, rest = line.partition(b" ")
        if not told.begun:
            told.begun = line.strip() == b"deep " + VERSION.encode()
            continue
        if word == b"end":
            told.ended = True
            break
        reader = _READERS.get(word)
        if reader is None or len(line) > MOST_LINE or not reader(told, rest):
            told.unread += reader is not None
    return told


# --- readers of single lines; each says whether it understood ------------------------------------------------------


def _system(told: Told, rest: bytes) -> bool:
    told.system = clean(rest)
    return True


def _clock(told: Told, rest: bytes) -> bool:
    told.clock = parse_date(rest, b"")
    return told.clock is not None


def _load(told: Told, rest: bytes) -> bool:
    found = numbers(clean(rest))
    if len(found) >= 3:
        told.load = (found[0], found[1], found[2])
    return len(found) >= 3


def _memory(told: Told, rest: bytes) -> bool:
    name, _, value = clean(rest).partition(":")
    found = numbers(value)
    if found and len(told.memory) < MOST_EACH:
        told.memory[name] = int(found[0]) * 1024
    return bool(found)


def _pressure(told: Told, rest: bytes) -> bool:
    words = clean(rest).split()
    if len(words) < 2 or words[0] not in ("cpu", "io", "memory"):
        return False
    if words[1] != "some":
        return True
    for word in words[2:]:
        name, _, value = word.partition("=")
        if name == "avg60" and (found := numbers(value)):
            told.pressure[words[0]] = found[0] / 100
            return True
    return False


def _up(told: Told, rest: bytes) -> bool:
    found = numbers(clean(rest))
    if found and found[0] >= 0:
        told.uptime = found[0]
    return bool(found)


def _boot(told: Told, rest: bytes) -> bool:
    told.boot_id = clean(rest)[:64]
    return bool(told.boot_id)


def _mount(told: Told, rest: bytes) -> bool:
    words = rest.split()
    if len(words) < 4:
        return False
    if len(told.mounts) < MOST_EACH:
        options = frozenset(clean(words[3]).split(","))
        told.mounts.append(Mount(plain(words[0]), plain(words[1]), clean(words[2]), options))
    else:
        told.skipped_mounts += 1
    return True


def _fstab(told: Told, rest: bytes) -> bool:
    words = rest.split()
    if len(words) >= 4 and len(told.fstab) < MOST_EACH:
        told.fstab[plain(words[1])] = frozenset(clean(words[3]).split(","))
    return True


def _disk(told: Told, rest: bytes) -> bool:
    return _usage(told, told.disks, rest)


def _inode(told: Told, rest: bytes) -> bool:
    return _usage(told, told.inodes, rest)


def _usage(told: Told, into: list[Usage], rest: bytes) -> bool:
    text = show_bytes(rest.replace(b"\t", b" "))[: 3 * LONGEST].strip()
    if text.startswith("status "):
        told.killed += text in ("status 137", "status 124")
        return True
    match = _DF_BOTH.fullmatch(text) if into is told.inodes else None
    match = match or _DF.fullmatch(text)
    if match is None:  # the heading, or a file system that counts no inodes
        return text.startswith("Filesystem") or " - " in text or text.endswith(" -")
    used, free = int(match["used"]), int(match["free"])
    total = int(match["total"]) if "total" in match.groupdict() else used + free
    if total > 0 and len(into) < MOST_EACH:
        into.append(Usage(match["device"][:LONGEST], match["mount"][:LONGEST], total, used, free))
    return True


def _done(told: Told, rest: bytes) -> bool:
    if len(told.done) < MOST_EACH:
        told.done.add(plain(rest))
    return True


def _systemd(told: Told, rest: bytes) -> bool:
    told.systemd = rest.strip() == b"yes"
    return True


def _unit(told: Told, rest: bytes) -> bool:
    text = clean(rest).lstrip("●*× ")
    if text.startswith("units told"):
        told.units_told = True
    elif text and len(told.failed_units) < MOST_EACH:
        told.failed_units.append(text.split()[0][:100])
    return True


_SOCKETS = {
    ("sockets:", "used"): "used",
    ("TCP:", "inuse"): "tcp",
    ("TCP6:", "inuse"): "tcp",
    ("TCP:", "tw"): "time_wait",
}
_SOCKETS |= {("UDP:", "inuse"): "udp", ("UDP6:", "inuse"): "udp"}


def _socket(told: Told, rest: bytes) -> bool:
    head, *words = clean(rest).split() or [""]
    for name, value in zip(words[::2], words[1::2], strict=False):
        key = _SOCKETS.get((head, name))
        if key is not None and (found := numbers(value)):
            told.sockets[key] = told.sockets.get(key, 0) + int(found[0])
    return bool(words)


def _count(name: str) -> Callable[[Told, bytes], bool]:
    """A reader of one whole number into the field of that name."""

    def read(told: Told, rest: bytes) -> bool:
        found = numbers(clean(rest))
        if found and found[0] >= 0:
            setattr(told, name, int(found[0]))
        return bool(found) or not rest.strip()

    return read


def _files(told: Told, rest: bytes) -> bool:
    found = numbers(clean(rest))
    if len(found) >= 3 and found[2] > 0:
        told.open_files = (int(found[0] - found[1]), int(found[2]))
    return len(found) >= 3


def _oom(told: Told, rest: bytes) -> bool:
    told.oom_lines = [*told.oom_lines, clean(rest)][-3:]
    return True


def _tasks(told: Told, rest: bytes) -> bool:
    found = numbers(clean(rest))
    if len(found) >= 3 and found[0] > 0:
        told.tasks = (int(found[0]), int(found[1]), int(found[2]))
    return len(found) >= 3


def _reboot(told: Told, rest: bytes) -> bool:
    told.reboot = rest.strip() == b"yes" or bool(told.reboot)
    return True


def _reboot_for(told: Told, rest: bytes) -> bool:
    if len(told.reboot_for) < 10 and (name := clean(rest)) not in told.reboot_for:
        told.reboot_for.append(name)
    return True


def _gpu(told: Told, rest: bytes) -> bool:
    words = [word.strip() for word in clean(rest).split(",")]
    if len(words) != 6 or not words[0].isascii() or not words[0].isdecimal() or len(words[0]) > 3:
        return False
    values = [next(iter(numbers(word)), None) for word in words[2:]]
    if len(told.cards) < 32:
        told.cards.append(Card(int(words[0]), words[1], *values))
    return True


def _cert(told: Told, rest: bytes) -> bool:
    if len(told.certificates) < 8:
        told.certificates.append(rest)
    return True


def _skipped(told: Told, rest: bytes) -> bool:
    found = numbers(clean(rest))
    told.skipped_mounts += int(found[0]) if found else 0
    return bool(found)


def _nothing(told: Told, rest: bytes) -> bool:
    return True


_READERS: dict[bytes, Callable[[Told, bytes], bool]] = {
    b"system": _system,
    b"clock": _clock,
    b"load": _load,
    b"cpus": _count("cpus"),
    b"mem": _memory,
    b"pressure": _pressure,
    b"up": _up,
    b"boot": _boot,
    b"boottime": boot_time,
    b"mount": _mount,
    b"bsdmount": bsd_mount,
    b"fstab": _fstab,
    b"disk": _disk,
    b"inode": _inode,
    b"done": _done,
    b"systemd": _systemd,
    b"unit": _unit,
    b"socket": _socket,
    b"conntrack": _count("conntrack"),
    b"conntrack_max": _count("conntrack_max"),
    b"file_nr": _files,
    b"oom_kill": _count("oom_kills"),
    b"oom": _oom,
    b"tasks": _tasks,
    b"reboot": _reboot,
    b"reboot_for": _reboot_for,
    b"gpu": _gpu,
    b"cert": _cert,
    b"skipped": _skipped,
    b"physmem": vm_number("physmem"),
    b"pagesize": vm_number("pagesize"),
    b"pages": pages,
    b"vm_stat": vm_stat,
    b"swapusage": swap_usage,
    b"part": _nothing,
}
