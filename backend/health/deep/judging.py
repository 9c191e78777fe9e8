"""From what a host has told to readings with levels and sentences. Pure. What was not told is unknown, never ok."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backend.health.deep.certificate_readings import certificate_readings
from backend.health.deep.disks import MOST_SHOWN, disk_readings, mount_reading, once_each
from backend.health.deep.seen import Seen
from backend.health.deep.thresholds import Thresholds
from backend.health.deep.told import Told
from backend.health.deep.values import DeepCheck, Level, Reading
from backend.health.deep.wording import plural, share, size, span

_NAMED = 5
"""Names in a sentence."""
RECENT = 86400.0
"""Seconds for which a process killed for want of memory counts as recent."""


class Judge:
    """Turns `told` into readings by `thresholds`."""

    def __init__(self, told: Told, seen: Seen, thresholds: Thresholds) -> None:
        self._told = told
        self._seen = seen
        self._thresholds = thresholds

    def readings(self) -> tuple[Reading, ...]:
        """All of them, in the order in which they are shown; of two with the same name the first."""
        found: dict[str, Reading] = {}
        for one in self._all():
            found.setdefault(one.name, one)
        return tuple(found.values())

    def _all(self) -> tuple[Reading, ...]:
        return (
            *self._latency(),
            *self._load(),
            *self._memory(),
            *self._pressure(),
            *disk_readings(self._told, self._thresholds),
            mount_reading(self._told, self._thresholds),
            self._units(),
            self._clock(),
            *self._uptime(),
            *self._sockets(),
            *self._tables(),
            *self._kills(),
            *self._tasks(),
            *self._reboot(),
            *self._cards(),
            *certificate_readings(self._told.certificates, self._seen, self._thresholds),
        )

    def _one(self, name: str, value: float, unit: str, text: str) -> Reading:
        return Reading(name, value, unit, self._thresholds.of(name).judge(value), text)

    def _latency(self) -> Iterator[Reading]:
        trip = self._seen.latency
        if trip is not None:
            yield self._one("latency", trip, "seconds", f"A round trip takes {trip * 1000:.1f} ms.")

    def _load(self) -> Iterator[Reading]:
        load, cpus = self._told.load, self._told.cpus
        if load is None:
            yield unknown("load.per_cpu", "", "The host does not tell its load.")
            return
        if cpus:
            told = f"Load {load[1]:.2f} over 5 minutes on {plural(cpus, 'CPU')}"
            yield self._one("load.per_cpu", load[1] / cpus, "", f"{told}: {load[1] / cpus:.2f} for each.")
        else:
            yield unknown(
                "load.per_cpu", "", f"Load {load[1]:.2f} over 5 minutes; how many CPUs there are is not told."
            )
        for name, value in zip(("1m", "5m", "15m"), load, strict=True):
            yield self._one(f"load.{name}", value, "", f"Load {value:.2f} over {name.removesuffix('m')} min.")

    def _memory(self) -> Iterator[Reading]:
        total, available, about = _memory_of(self._told)
        name = "memory.available_ratio"
        if not total or available is None:
            yield unknown(name, "ratio", "The host does not tell how much memory is available.")
        else:
            ratio = min(1.0, available / total)
            text = f"{size(available)} of {size(total)} memory available{about}: {share(ratio)}."
            yield self._one(name, ratio, "ratio", text)
            yield self._one("memory.total_bytes", float(total), "bytes", f"{size(total)} of memory.")
        swap, free = self._told.memory.get("SwapTotal"), self._told.memory.get("SwapFree")
        if swap and free is not None:
            used = max(0, swap - free)
            text = f"{size(used)} of {size(swap)} swap used: {share(used / swap)}."
            yield self._one("swap.used_ratio", used / swap, "ratio", text)

    def _pressure(self) -> Iterator[Reading]:
        waits = {"cpu": "a CPU", "io": "disks", "memory": "memory"}
        for what, name in waits.items():
            value = self._told.pressure.get(what)
            if value is not None:
                text = f"Something waited for {name} in {share(value)} of the last minute."
                yield self._one(f"pressure.{what}", value, "ratio", text)
        if not self._told.pressure:
            yield unknown("pressure.cpu", "ratio", "The kernel does not tell its pressure (PSI).", is_optional=True)

    def _units(self) -> Reading:
        told, name = self._told, "units.failed"
        if told.systemd is None:
            return unknown(name, "", "Whether there is systemd is not known.", is_optional=True)
        if not told.systemd:
            return unknown(name, "", "The host has no systemd: its services are not looked at.", is_optional=True)
        if not told.units_told:
            return unknown(name, "", "systemd did not tell which units have failed.")
        failed = told.failed_units
        text = f"{plural(len(failed), 'failed unit')}: {listed(failed)}." if failed else "No unit has failed."
        return self._one(name, float(len(failed)), "", text)

    def _clock(self) -> Reading:
        name, offset = "clock.offset", self._seen.offset
        if offset is None:
            return unknown(name, "seconds", "The host does not tell the time.")
        way = "ahead of" if offset.seconds > 0 else "behind"
        text = f"Its clock is {abs(offset.seconds):.2f} s {way} ours (±{offset.uncertainty:.2f} s)."
        if offset.seconds - offset.uncertainty <= 0 <= offset.seconds + offset.uncertainty:
            text = f"Its clock is right as far as can be told (±{offset.uncertainty:.2f} s)."
        return Reading(name, offset.seconds, "seconds", self._thresholds.of(name).judge(offset.at_least), text)

    def _uptime(self) -> Iterator[Reading]:
        up, previous = self._told.uptime, self._seen.previous
        if up is None:
            yield unknown("uptime", "seconds", "The host does not tell since when it runs.")
            return
        again = rebooted(self._told, previous)
        since = f"; it has started anew since the check {span(self._since_previous())} before" if again else ""
        yield self._one("uptime", up, "seconds", f"Up for {span(up)}{since}.")

    def _since_previous(self) -> float:
        previous = self._seen.previous
        return 0.0 if previous is None else max(0.0, self._seen.now - previous.at.timestamp())

    def _sockets(self) -> Iterator[Reading]:
        words = {"used": "sockets in use", "tcp": "TCP connections and listeners", "time_wait": "sockets in TIME_WAIT"}
        for key, text in words.items():
            if (value := self._told.sockets.get(key)) is not None:
                yield self._one(f"sockets.{key}", float(value), "", f"{value:,} {text}.")

    def _tables(self) -> Iterator[Reading]:
        told = self._told
        if told.conntrack is not None and told.conntrack_max:
            text = f"{told.conntrack:,} of {told.conntrack_max:,} connections tracked by the firewall"
            ratio = told.conntrack / told.conntrack_max
            yield self._one("conntrack.used_ratio", ratio, "ratio", f"{text}: {share(ratio)}.")
        if told.open_files is not None:
            used, most = told.open_files
            ratio = max(0.0, used / most)
            few = f"{max(0, used):,} file handles in use"
            text = f"{few} of {most:,}: {share(ratio)}." if most < 2**53 else f"{few}; there is no limit to speak of."
            yield self._one("files.used_ratio", ratio, "ratio", text)

    def _kills(self) -> Iterator[Reading]:
        total, previous = self._told.oom_kills, self._seen.previous
        recent = [line for line in self._told.oom_lines if self._is_recent(line)]
        before = previous.reading("oom.kills") if previous is not None else None
        if total is not None:
            yield self._one("oom.kills", float(total), "", f"{_killed(total)} since the host started.")
        elif not recent:
            yield unknown("oom.kills", "", "The kernel does not tell whether memory ran out.", is_optional=True)
            return
        more = 0.0
        if total is not None and before is not None and before.value is not None and not rebooted(self._told, previous):
            more = max(0.0, total - before.value)
        count = max(more, float(len(recent)))
        text = f"{_killed(int(count))} lately"
        told = f"{text}: {_victims(recent)}." if recent else f"{text}."
        yield self._one("oom.recent", count, "", told)

    def _is_recent(self, line: str) -> bool:
        """Whether a line of the kernel's log, which begins with seconds since the start, is of the last day."""
        match = re.match(r"\[\s*(\d{1,12})\.\d+\]", line)
        return match is not None and self._told.uptime is not None and self._told.uptime - float(match[1]) < RECENT

    def _tasks(self) -> Iterator[Reading]:
        if self._told.tasks is None:
            yield unknown("processes.count", "", "The host does not tell its processes.", is_optional=True)
            return
        count, zombies, blocked = self._told.tasks
        yield self._one("processes.count", float(count), "", f"{count:,} processes.")
        yield self._one("processes.zombies", float(zombies), "", f"{plural(zombies, 'zombie')} among the processes.")
        text = f"{plural(blocked, 'process', 'processes')} waiting for a disk, which nothing can end meanwhile."
        yield self._one("processes.blocked", float(blocked), "", text)

    def _reboot(self) -> Iterator[Reading]:
        if self._told.reboot is None:
            return
        why = f", for {listed(self._told.reboot_for)}" if self._told.reboot_for else ""
        text = f"It asks to be restarted{why}." if self._told.reboot else "No restart is asked for."
        yield self._one("reboot.required", float(self._told.reboot), "", text)

    def _cards(self) -> Iterator[Reading]:
        if not self._told.cards:
            return
        for card in self._told.cards:
            where = f"gpu.{card.index}"
            called = f"GPU {card.index} ({card.name})"
            if card.used is not None and card.total:
                text = f"{called}: {card.used:,.0f} of {card.total:,.0f} MiB in use."
                yield self._one(f"{where}.used_ratio", card.used / card.total, "ratio", text)
            if card.load is not None:
                yield self._one(f"{where}.load_ratio", card.load / 100, "ratio", f"{called} is {card.load:.0f} % busy.")
            if card.celsius is not None:
                yield self._one(f"{where}.celsius", card.celsius, "celsius", f"{called} has {card.celsius:.0f} °C.")


def problems(told: Told) -> tuple[str, ...]:
    """What could not be read as it should, and what was left out: for people."""
    found = []
    if not told.ended:
        found.append("the answer was cut off before its end: what was to come is not known")
    late = [name for name in ("df", "df-i", "units", "tasks") if told.ended and name not in told.done]
    late = [name for name in late if name != "units" or told.systemd]
    if late or told.killed:
        found.append(f"{listed(late) or 'df'} did not answer in time")
    if told.skipped_mounts:
        found.append(f"{plural(told.skipped_mounts, 'mount')} left out: there are too many")
    if (few := len(once_each(told.disks)) - MOST_SHOWN) > 0:
        found.append(f"{plural(few, 'disk')} left out, which are less full than those that are shown")
    if told.unread:
        found.append(f"{plural(told.unread, 'line')} of the answer could not be read")
    if told.cut:
        found.append("the host said too much: the rest was not looked at")
    return tuple(found)


def rebooted(told: Told, previous: DeepCheck | None) -> bool:
    """Whether the host has started anew since `previous`."""
    return bool(previous and previous.boot_id and told.boot_id and previous.boot_id != told.boot_id)


def unknown(name: str, unit: str, text: str, *, is_optional: bool = False) -> Reading:
    return Reading(name, None, unit, Level.UNKNOWN, text, is_optional)


def listed(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _killed(count: int) -> str:
    if not count:
        return "No process was killed for want of memory"
    return f"{plural(count, 'process', 'processes')} {'was' if count == 1 else 'were'} killed for want of memory"


def _victims(lines: Sequence[str]) -> str:
    found = [match[1] for line in lines if (match := re.search(r"\(([^()]{1,40})\)", line))]
    return listed(found) if found else "see the kernel's log"


def _memory_of(told: Told) -> tuple[int | None, int | None, str]:
    """Total and available bytes, and `, about` where the second is an estimate."""
    memory, vm = told.memory, told.vm
    if "MemTotal" in memory:
        if "MemAvailable" in memory:
            return memory["MemTotal"], memory["MemAvailable"], ""
        parts = [memory[name] for name in ("MemFree", "Buffers", "Cached") if name in memory]
        return memory["MemTotal"], sum(parts) if parts else None, ", about"
    pages = [vm[name] for name in ("free", "inactive", "speculative") if name in vm]
    if "physmem" in vm and vm.get("pagesize") and pages:
        return vm["physmem"], sum(pages) * vm["pagesize"], ", about"
    return vm.get("physmem"), None, ""
