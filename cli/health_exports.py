"""`fairlead health --prometheus|--jsonl|--serve`: where the text goes, and the port that is served."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from backend.dataclass import dataclass
from backend.errors import Code, ConfigError
from backend.health.live import LiveLook, look_live
from backend.tasks import task_group
from cli.health_deep import DeepLook, look_deep
from cli.health_trends import Ahead, look_ahead
from cli.statuses import Status
from cli.units import counted, seconds_text
from cli.until_stopped import until_stopped

if TYPE_CHECKING:
    from backend.forwards.spec import Port
    from backend.reports.target_file import TargetFile
    from cli.execute import Services
    from cli.health_found import Found

Look = tuple[LiveLook, DeepLook | None, Ahead | None]
_TRENDS_HOLD = 3600.0
"""Seconds after which what the past leads to is reckoned anew: it is a matter of days."""
EVERY = 60.0
DEFAULT_ADDRESS = "127.0.0.1:9822"
_OTHERS_READ_IT = 0o644
"""The collector that reads the file runs as another user; there is nothing in it but names, numbers and codes."""


@dataclass(frozen=True, slots=True)
class Export:
    """What was asked for."""

    jsonl: bool = False
    target: TargetFile | None = None
    """stdout without it."""
    serve: Port | None = None
    every: float = EVERY
    """Seconds between two looks at a host, while serving."""
    deep: bool = False
    """Whether those look into it as well."""

    @classmethod
    def asked(
        cls, *, prometheus: bool, jsonl: bool, output: Path | None, serve: str | None, every: float, deep: bool
    ) -> Self | None:
        """None where none of it was. Raises ConfigError (USAGE)."""
        if output is not None and not (prometheus or jsonl):
            raise _usage("-o goes with --prometheus and with --jsonl")
        if not (prometheus or jsonl or serve):
            return None
        target = None
        if output is not None:
            from backend.reports.target_file import TargetFile

            target = TargetFile(output, _OTHERS_READ_IT)
            target.check()
        return cls(jsonl, target, None if serve is None else _address(serve), every, deep)

    def text(self, services: Services, found: Sequence[Found]) -> str:
        """What is known now."""
        container = services.container
        healths, looks = [one.health for one in found], [one.live for one in found if one.live is not None]
        checks = [one.deep.check for one in found if one.deep is not None and one.deep.check is not None]
        now = container.clock.now()
        if self.jsonl:
            from backend.health.exporting.json_lines import json_lines

            return json_lines(healths, looks, checks, now)
        from backend.health.exporting.exposition import exposition

        trouble = container.health.trouble is not None
        trends = {one.health.host: one.ahead.trends for one in found if one.ahead is not None}
        return exposition(healths, looks, checks, trends, program=container.metrics.registry, now=now, trouble=trouble)

    async def put(self, services: Services, found: Sequence[Found]) -> None:
        """Once, to the file or to stdout. Raises FileError."""
        container = services.container
        found = [replace(one, ahead=one.ahead or await look_ahead(container, one.health.host)) for one in found]
        text = self.text(services, found)
        if self.target is None:
            click.echo(text, nl=False)
        else:
            await asyncio.to_thread(self.target.write, text.encode())


async def serve(services: Services, hosts: Sequence[str], export: Export) -> int:
    """Answer scrapes until it is stopped; look at `hosts` meanwhile, at others never."""
    from backend.health.exporting.endpoint import serving

    assert export.serve is not None
    answers = _Answers(services, export)
    began, listens = services.container.clock.monotonic(), False
    with until_stopped(lambda: listens):
        async with serving(export.serve, answers.text, services.container.clock) as places, task_group() as group:
            listens = True
            shown = " and ".join(f"http://{place}/metrics" for place in places)
            services.narration.say(f"Metrics at {shown}; ctrl+c ends it.")
            if not export.serve.is_loopback:
                services.narration.say("Everybody who reaches this address can read the names of your hosts there.")
            for host in hosts:
                group.create_task(_keep_looking(services, host, answers.looks, export))
            await asyncio.Event().wait()
    passed = seconds_text(services.container.clock.monotonic() - began)
    services.narration.say(f"Stopped after {passed}; {counted(answers.count, 'scrape')} answered.")
    return Status.OK


class _Answers:
    """What is told at each scrape."""

    def __init__(self, services: Services, export: Export) -> None:
        self.looks: dict[str, Look] = {}
        """The newest at each host that is looked at."""
        self.count = 0
        self._services = services
        self._export = export

    async def text(self) -> str:
        from cli.health_found import Found

        keeper, looks = self._services.container.health, self.looks
        healths = {one.host: one for one in await keeper.all()}
        healths |= {host: await keeper.of(host) for host in looks if host not in healths}
        found = [Found(one, *looks.get(host, (None, None, None))) for host, one in healths.items()]
        self.count += 1
        return self._export.text(self._services, found)


async def _keep_looking(services: Services, host: str, looks: dict[str, Look], export: Export) -> None:
    """A look from time to time. What would fail again in the same way is not repeated: it may lock somebody out."""
    container, chance = services.container, random.SystemRandom()
    ahead, reckoned = Ahead(), -math.inf
    while True:
        live = await look_live(container.sessions.get(host), bus=container.bus, clock=container.clock)
        deep = await look_deep(container, host) if export.deep and live.error is None else None
        if (now := container.clock.monotonic()) - reckoned >= _TRENDS_HOLD:
            ahead, reckoned = await look_ahead(container, host), now
        looks[host] = live, deep, ahead
        if live.error is not None and not live.error.retryable:
            services.narration.say(f"{host}: {live.error.message} It is not looked at any more.")
            return
        await container.clock.sleep(export.every * chance.uniform(0.9, 1.1))


def _address(text: str) -> Port:
    from backend.health.exporting.endpoint import read_address

    try:
        return read_address(text)
    except ValueError as error:
        raise _usage(f"--serve: {error}; hosts stand before it, or write --serve={DEFAULT_ADDRESS}") from error


def _usage(problem: str) -> ConfigError:
    return ConfigError(Code.USAGE, evidence={"problem": problem})
