"""Lines of the deep check's answer that BSD and macOS alone print. Each reader says whether it understood. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from backend.health.deep.told import Mount, Told
from backend.health.deep.words import MOST_EACH, clean, numbers

_BSD_MOUNT = re.compile(r"(?P<device>.+?) on (?P<mount>/.*?) \((?P<options>[^()]*)\)")


def boot_time(told: Told, rest: bytes) -> bool:
    """`{ sec = 1700000000, usec = 0 } Tue Nov 14 …` of FreeBSD and macOS; a bare number of OpenBSD."""
    match = re.search(r"(?:sec = |^)(\d{1,12})", clean(rest))
    if match is None:
        return not rest.strip()
    told.boot_id = f"boot-{match[1]}"
    if told.clock is not None:
        told.uptime = max(0.0, told.clock[0] - float(match[1]))
    return True


def bsd_mount(told: Told, rest: bytes) -> bool:
    """`/dev/ada0p2 on / (ufs, local, read-only)`."""
    match = _BSD_MOUNT.match(clean(rest))
    if match is None:
        return False
    kind, *options = [word.strip() for word in match["options"].split(",")]
    if len(told.mounts) < MOST_EACH:
        told.mounts.append(Mount(match["device"], match["mount"], kind, frozenset(options)))
    return True


def vm_number(name: str) -> Callable[[Told, bytes], bool]:
    """A reader of a bare number out of sysctl(8)."""

    def read(told: Told, rest: bytes) -> bool:
        found = numbers(clean(rest))
        if found:
            told.vm[name] = int(found[0])
        return bool(found) or not rest.strip()

    return read


def pages(told: Told, rest: bytes) -> bool:
    """Of FreeBSD: `free 200000`."""
    name, _, value = clean(rest).partition(" ")
    if (found := numbers(value)) and name in ("free", "inactive"):
        told.vm[name] = int(found[0])
    return True


def vm_stat(told: Told, rest: bytes) -> bool:
    """Of macOS: `Pages free:   12345.`, after a line with the size of a page."""
    text = clean(rest)
    if match := re.search(r"page size of (\d{1,9}) bytes", text):
        told.vm["pagesize"] = int(match[1])
    elif match := re.fullmatch(r"Pages (free|inactive|speculative):\s+(\d{1,18})\.?", text):
        told.vm[match[1]] = int(match[2])
    return True


def swap_usage(told: Told, rest: bytes) -> bool:
    """Of macOS: `total = 2048.00M  used = 1024.25M  free = 1023.75M  (encrypted)`."""
    found = dict(re.findall(r"(total|free) = (\d{1,12}(?:[.,]\d{1,4})?)M", clean(rest)))
    if len(found) == 2:
        told.memory["SwapTotal"] = int(float(found["total"].replace(",", ".")) * (1 << 20))
        told.memory["SwapFree"] = int(float(found["free"].replace(",", ".")) * (1 << 20))
    return True
