"""`fairlead health --watch`: the monitor in the foreground, one line for each thing that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import click

from backend.clock import iso
from backend.errors import Code, ConfigError, FairleadError
from backend.health.deep.values import DeepCheck, DeepChecked, DeepCheckFailed, HealthLevelChanged, Level
from backend.health.recovery.values import Outcome, RecoveryDone
from backend.text import clean_line
from cli.execute import Services
from cli.failures import print_json
from cli.health_deep import SIGNS
from cli.statuses import Status
from cli.units import counted, seconds_text
from cli.until_stopped import until_stopped


async def watch_hosts(services: Services, hosts: Sequence[str]) -> int:
    """Look into `hosts`, or into those that the settings name, until it is interrupted."""
    container = services.container
    if not hosts:
        from backend.health.monitor.wanted import watched_hosts

        hosts = await watched_hosts(container.book)
    if not hosts:
        problem = "name the hosts to watch, here or as `watch` in the section [health] of config.toml"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    lines = _Lines(services)
    container.bus.subscribe(DeepChecked, lines.checked)
    container.bus.subscribe(DeepCheckFailed, lines.failed)
    container.bus.subscribe(HealthLevelChanged, lines.changed)
    container.bus.subscribe(RecoveryDone, lines.recovered)
    monitor = container.monitor
    monitor.start()
    if services.somebody:
        for host in hosts:  # one after the other: each may ask for something
            with suppress(FairleadError):  # told when the monitor meets it
                await container.sessions.get(host).link()
    for host in hosts:
        monitor.watch(host)
        monitor.look_now(host)
    services.narration.end_progress()
    services.narration.say(f"watching {', '.join(hosts)}; ctrl+c ends it")
    began = container.clock.monotonic()
    with until_stopped(lambda: bool(lines.looks)):
        await asyncio.Event().wait()
    passed = seconds_text(container.clock.monotonic() - began)
    services.narration.say(f"Stopped after {passed}; {counted(lines.looks, 'look')} at {counted(len(hosts), 'host')}.")
    return Status.OK


class _Lines:
    """What happens, as lines on stdout."""

    def __init__(self, services: Services) -> None:
        self._json = services.flags.json
        self._clock = services.container.clock
        self._failing: dict[str, Code] = {}
        self._told: dict[str, str] = {}
        """What was said of each host's first look, or the first after a failure."""
        self.looks = 0
        """Those that have ended, whatever they found."""

    def checked(self, event: DeepChecked) -> None:
        self.looks += 1
        check = event.check
        back = self._failing.pop(event.host, None)
        if event.host in self._told and back is None and not check.rebooted:
            return
        text = self._told[event.host] = _summary(check)
        self._line(check.at, event.host, SIGNS[check.level], text, event="checked", level=check.level.value)

    def failed(self, event: DeepCheckFailed) -> None:
        self.looks += 1
        if self._failing.get(event.host) is event.error.code:
            return
        self._failing[event.host] = event.error.code
        text = event.error.message if event.again else f"{event.error.message} It is not tried again by itself."
        more: dict[str, Any] = {"code": event.error.code.value, "again": event.again}
        self._line(self._clock.now(), event.host, "✕", text, event="failed", **more)

    def changed(self, event: HealthLevelChanged) -> None:
        more = {"name": event.name, "old": event.old.value, "new": event.new.value}
        text = f"{event.old.value} → {event.new.value}: {event.text}"
        if not self._json and event.old is Level.UNKNOWN and event.text in self._told.get(event.host, ""):
            return
        told = event.text if self._json else text
        self._line(event.at, event.host, SIGNS[event.new], told, event="level", **more)

    def recovered(self, event: RecoveryDone) -> None:
        more = {"action": event.action, "outcome": event.outcome.value}
        sign = "✓" if event.outcome is Outcome.DONE else "!"
        told = event.text if self._json else f"{event.action}, {event.outcome.value}: {event.text}"
        self._line(self._clock.now(), event.host, sign, told, event="recovery", **more)

    def _line(self, at: datetime, host: str, sign: str, text: str, **more: Any) -> None:
        if self._json:
            moment = iso(at)
            print_json({"at": moment, "host": host, **more, "text": text})
        else:
            click.echo(clean_line(f"{at.astimezone():%H:%M:%S} {sign} {host}: {text}"))


def _summary(check: DeepCheck) -> str:
    """One line about a whole look."""
    again = "it has started anew; " if check.rebooted else ""
    concerns = " ".join(one.text for one in check.concerns[:3])
    more = f" And {len(check.concerns) - 3} more." if len(check.concerns) > 3 else ""
    known = sum(one.value is not None for one in check.readings)
    return f"{again}{check.level.value}: {concerns or f'{known} readings, nothing to tell.'}{more}"
