"""Puts a bundle together: asks the services, keeps what is safe, cleans every text, counts what was not taken along."""

from __future__ import annotations

import asyncio
import json
import locale
import os
import platform
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend import __version__
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.hosts.options import local_user
from backend.metrics.render import metrics_json
from backend.reports.bundle.contents import Bundle, Entry
from backend.reports.bundle.pseudonyms import Pseudonyms, dotted_names
from backend.reports.bundle.safe_log import MOST_RECORDS, safe_record, safe_records
from backend.reports.bundle.safe_settings import learnable, settings_json, ssh_commands
from backend.reports.bundle.safe_ssh import ssh_json, target_json
from backend.reports.gathering import report_of
from backend.reports.model import Report
from backend.reports.program import ProgramFacts
from backend.reports.redaction import Redactor
from backend.reports.rendering import Format, rendered

if TYPE_CHECKING:
    from backend.connection.target import Target
    from backend.connection.vault import Vault
    from backend.container import Container
    from backend.settings import Settings

_MOST_LOG = 4 << 20
"""Bytes of the end of a log file that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a bundle is to hold."""

    hosts: Sequence[str] = ()
    """Each is connected to once."""
    reports: Sequence[Report] = ()
    """Of hosts that were looked at before."""
    log: Path | None = None
    """A log file, whose end goes in."""
    ssh_config: Path | None = None
    """In place of ~/.ssh/config."""
    anonymous: bool = False
    on_step: Callable[[str], None] = lambda _: None


class Cleaner(Redactor):
    """Takes secrets out and, where asked for, puts other names in."""

    def __init__(self, vault: Vault, pseudonyms: Pseudonyms | None) -> None:
        super().__init__(vault)
        self._pseudonyms = pseudonyms

    def text(self, text: str) -> str:
        cleaned = super().text(text)
        return cleaned if self._pseudonyms is None else self._pseudonyms.text(cleaned)


@dataclass(frozen=True, slots=True)
class Gathered:
    """A bundle, and who is who in it: to be told to its maker and nobody else."""

    bundle: Bundle
    names: Mapping[str, str]


async def gather(services: Container, wanted: Wanted) -> Gathered:
    """Raises nothing for what a host does: that is what a report tells."""
    reports = list(wanted.reports)
    reports += [await report_of(services, host, on_step=wanted.on_step) for host in wanted.hosts]
    known = [await _known(services, report.host) for report in reports]
    pseudonyms = await _pseudonyms(services, known) if wanted.anonymous else None
    making = _Making(services, wanted, Cleaner(services.vault, pseudonyms))
    for each in known:
        making.learn(each)
    healths = await services.health.all()
    files = await asyncio.to_thread(_files, _places(services, wanted), wanted.log, making.left_out)
    making.add_program(files)
    making.add("health.json", "how reaching each host has gone", [_summary(one.to_json()) for one in healths])
    bundle = await asyncio.to_thread(making.made, reports, known)
    return Gathered(bundle, {} if pseudonyms is None else pseudonyms.table)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the files say about a host."""

    host: str
    target: Target | None
    options: Mapping[str, tuple[str, ...]]
    problem: FairleadError | None


async def _known(services: Container, host: str) -> _Known:
    try:
        _, options = await services.book.forwards(host)
        return _Known(host, await services.book.resolve(host), options, None)
    except FairleadError as error:
        return _Known(host, None, {}, error)


async def _pseudonyms(services: Container, known: Iterable[_Known]) -> Pseudonyms:
    hosts: set[str] = {platform.node()}
    users: set[str] = {local_user()}
    domains: set[str] = set()
    try:
        entries = await services.book.list()
    except FairleadError:
        entries = ()
    for entry in entries:
        hosts |= {entry.name, entry.address or entry.name}
        users |= {entry.user} if entry.user else set()
    hosts |= {*_named_in(services.book.settings)}
    for each in known:
        hosts.add(each.host.rpartition("@")[2])
        hosts |= {*dotted_names(_told_by(each.options, _NAMING_HOSTS))}
        domains |= {*dotted_names(_told_by(each.options, ("canonicaldomains",)))}
        for hop in each.target.hops if each.target else ():
            hosts |= {hop.name.rpartition("@")[2], hop.address}
            users.add(hop.user)
    hosts |= {one.host for one in await services.health.all()}
    return Pseudonyms(hosts=hosts, users=users, domains=domains, home=str(Path.home()))


def _named_in(settings: Settings) -> Iterator[str]:
    """Hosts that config.toml names beside the addresses of its entries."""
    for host in settings.hosts.values():
        yield from (name for name in (host.tailscale, host.cloudflare, host.ssh_host) if name)
        yield from dotted_names(" ".join(host.forwards))
    for options in (settings.defaults, *settings.profiles.values(), *settings.hosts.values()):
        yield from dotted_names(options.proxy or "")


_NAMING_HOSTS = ("hostname", "hostkeyalias", "proxyjump", "localforward", "remoteforward", "dynamicforward")


def _told_by(options: Mapping[str, tuple[str, ...]], keywords: Iterable[str]) -> str:
    return " ".join(value for keyword in keywords for value in options.get(keyword, ()))


@dataclass(frozen=True, slots=True)
class _Files:
    """What was read from disk."""

    program: dict[str, Any]
    places: list[dict[str, Any]]
    log: list[dict[str, Any]]


def _places(services: Container, wanted: Wanted) -> dict[str, Path]:
    config = services.book.file
    return {
        **({} if config is None else {"config": config.path}),
        "state": services.store.path.parent,
        "database": services.store.path,
        "ssh_config": wanted.ssh_config or Path("~/.ssh/config").expanduser(),
        "known_hosts": Path("~/.ssh/known_hosts").expanduser(),
    }


def _files(places: Mapping[str, Path], log: Path | None, left_out: Counter[str]) -> _Files:
    told = [{"what": what, **_place(path)} for what, path in places.items()]
    return _Files(_program(), told, [] if log is None else _log(log, left_out))


def _place(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = {"path": str(path)}
    try:
        found = path.stat()
    except OSError as error:
        return {**told, "there": False, "reason": error.strerror}
    mode = f"{stat.S_IMODE(found.st_mode):04o}"
    return {**told, "there": True, "mode": mode, "own": found.st_uid == _uid(), "bytes": found.st_size}


def _uid() -> int:
    return os.getuid() if sys.platform != "win32" else 0


def _log(path: Path, left_out: Counter[str]) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _MOST_LOG))
            raw = file.read(_MOST_LOG)
    except OSError as error:
        return [{"problem": error.strerror}]
    lines = raw.decode("utf-8", "replace").splitlines()
    if size > _MOST_LOG:
        lines = lines[1:]  # the first one may have lost its beginning
    left_out["earlier log record"] += max(0, len(lines) - MOST_RECORDS)
    return list(safe_records(lines[-MOST_RECORDS:], left_out))


class _Making:
    """A bundle under way."""

    def __init__(self, services: Container, wanted: Wanted, cleaner: Cleaner) -> None:
        self._services = services
        self._wanted = wanted
        self._cleaner = cleaner
        self._parts: list[tuple[str, str, Any]] = []
        self.left_out: Counter[str] = Counter()
        for secret in learnable(services.book.settings):
            cleaner.learn(secret)

    def learn(self, known: _Known) -> None:
        for secret in ssh_commands(known.options):
            self._cleaner.learn(secret)

    def add(self, name: str, about: str, value: Any) -> None:
        """A file of JSON; of lines of it where the name says so."""
        self._parts.append((name, about, value))

    def add_program(self, files: _Files) -> None:
        services, left_out = self._services, self.left_out
        self.add("program.json", "versions, and what the program runs on", files.program)
        self.add("places.json", "where the program's files are", files.places)
        self.add("settings.json", "what config.toml says", settings_json(services.book.settings, left_out))
        self.add("metrics.json", "counters of this process", metrics_json(services.metrics.registry))
        events = [safe_record(record, left_out) for record in services.recent]
        self.add("events.jsonl", "what happened last in this process", events)
        if self._wanted.log is not None:
            self.add("log.jsonl", "the end of the log file", files.log)

    def made(self, reports: Sequence[Report], known: Sequence[_Known]) -> Bundle:
        """Everything cleaned and drawn. Takes a while."""
        entries = [self._drawn(*part) for part in self._parts]
        for number, (report, each) in enumerate(zip(reports, known, strict=True), 1):
            entries += self._of_host(number, report, each)
        checked = [Entry(entry.name, entry.about, self._checked(entry.text)) for entry in entries]
        return Bundle(
            self._services.clock.now(),
            __version__,
            tuple(self._cleaner.text(report.host) for report in reports),
            self._wanted.anonymous,
            tuple(checked),
            dict(+self.left_out),
            dict(self._cleaner.counts),
        )

    def _of_host(self, number: int, report: Report, known: _Known) -> Iterable[Entry]:
        called = self._cleaner.text(report.host)
        place = f"hosts/{number}-" + "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in called)[:60]
        for form in Format:
            yield Entry(f"{place}/report.{form.value}", f"how {called} stands", rendered(report, form, self._cleaner))
        told = {
            "target": None if known.target is None else target_json(known.target),
            "ssh": ssh_json(known.options, self.left_out),
            "problem": None if known.problem is None else known.problem.to_json(),
        }
        yield self._drawn(f"{place}/config.json", f"how {called} is to be reached", told)

    def _drawn(self, name: str, about: str, value: Any) -> Entry:
        cleaned = self._cleaner.value(value)
        if name.endswith(".jsonl"):
            return Entry(name, about, "".join(json.dumps(record) + "\n" for record in cleaned))
        return Entry(name, about, json.dumps(cleaned, indent=2) + "\n")

    def _checked(self, text: str) -> str:
        """Once more, as it will be read."""
        left, found = self._services.vault.cover_seen(text)
        self._cleaner.counts.update({"secret of this session": found} if found else {})
        return left


def _program() -> dict[str, Any]:
    own = {name: os.environ[name] for name in ("TERM", "COLORTERM", "LANG", "LC_ALL", "NO_COLOR") if name in os.environ}
    return {
        **ProgramFacts.here().to_json(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "implementation": platform.python_implementation(),
        "encoding": locale.getpreferredencoding(do_setlocale=False),
        "environment": own,
        "own_variables": sorted(name for name in os.environ if name.startswith("FAIRLEAD_")),
        "agent": "SSH_AUTH_SOCK" in os.environ,
    }


def _summary(health: dict[str, Any]) -> dict[str, Any]:
    """Without each single round trip."""
    latency = health.pop("latency")
    return {**health, "round_trips_kept": len(latency["recent"]), "last_hours": latency["hours"][-24:]}
