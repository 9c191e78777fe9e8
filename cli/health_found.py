"""What `fairlead health` knows of hosts: their histories, and what a look at them now has found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.health.live import LiveLook, look_live
from backend.health.values import SshHealth
from cli.execute import Services
from cli.health_deep import DeepLook, look_deep
from cli.health_trends import Ahead, look_ahead

_AT_ONCE = 8
"""Hosts that are looked at together, where nobody can be asked anything."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known about one host."""

    health: SshHealth
    live: LiveLook | None = None
    deep: DeepLook | None = None
    ahead: Ahead | None = None

    @property
    def error(self) -> FairleadError | None:
        """Why it could not be looked at, or into."""
        first = self.live.error if self.live is not None else None
        return first or (self.deep.error if self.deep is not None else None)

    def to_json(self) -> dict[str, Any]:
        told = {**self.health.to_json(), "live": None if self.live is None else self.live.to_json()}
        if self.deep is not None:
            error = self.deep.error
            told["deep"] = None if self.deep.check is None else self.deep.check.to_json()
            told["deep_error"] = None if error is None else error.to_json()
        if self.ahead is not None:
            told |= self.ahead.to_json()
        return told


def only(hosts: Sequence[str]) -> str | None:
    """The host where one alone is named."""
    return hosts[0] if len(hosts) == 1 else None


async def gather(services: Services, hosts: Sequence[str], *, deep: bool) -> list[Found]:
    """The histories, and for named hosts a look at each."""
    container = services.container
    if not hosts:
        return [Found(one) for one in await container.health.all()]
    turns = asyncio.Semaphore(1 if services.somebody else _AT_ONCE)

    async def look(host: str) -> tuple[LiveLook, DeepLook | None]:
        async with turns:
            live = await look_live(container.sessions.get(host), bus=container.bus, clock=container.clock)
            return live, await look_deep(container, host) if deep and live.error is None else None

    looks = await asyncio.gather(*(look(host) for host in hosts))
    return [
        Found(await container.health.of(live.host), live, inside, await look_ahead(container, live.host))
        for live, inside in looks
    ]
