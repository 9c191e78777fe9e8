"""Pins and the use of hosts: heard from sessions, written in the background, shown in the list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backend.connection.state import SessionChanged, SessionState
from backend.events import EventBus
from backend.hosts.book import HostBook
from backend.hosts.entries import HostChange, HostEntry, HostsChanged, HostSource, by_use
from backend.hosts.usage import HostUsage
from backend.settings import HostSettings, Settings
from backend.store import Store

S = SessionState
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass
class Rig:
    bus: EventBus
    usage: HostUsage
    book: HostBook

    def connects(self, host: str, at: datetime = NOON, *, before: SessionState = S.AUTHENTICATING) -> None:
        self.bus.publish(SessionChanged(host, before, S.READY, "logged in", at))

    def loses(self, host: str) -> None:
        self.bus.publish(SessionChanged(host, S.READY, S.RECONNECTING, "lost", NOON))

    async def order(self) -> list[str]:
        return [entry.name for entry in by_use(await self.book.list())]


@asynccontextmanager
async def opened(state: Path) -> AsyncIterator[Rig]:
    bus, store = EventBus(), Store(state / "fairlead.db")
    usage = HostUsage(bus=bus, store=store)
    book = HostBook.of_entries(Settings(hosts={name: HostSettings() for name in ("a", "b", "c", "d")}))
    book.usage = usage
    try:
        yield Rig(bus, usage, book)
    finally:
        await usage.close()
        await store.close()


async def test_what_is_used_and_pinned_is_known_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as rig:
        rig.connects("b", NOON)
        rig.connects("c", NOON.replace(hour=13))
        rig.connects("b", NOON.replace(hour=11))
        await rig.usage.pin("d", pinned=True)
    async with opened(tmp_path) as rig:
        marks = await rig.usage.marks()
        assert (marks["b"].uses, marks["b"].last_used) == (2, NOON)
        assert (marks["d"].pinned, marks["d"].uses, marks["d"].last_used) == (True, 0, None)
        assert await rig.order() == ["d", "c", "b", "a"]
        await rig.usage.pin("d", pinned=False)
        assert await rig.order() == ["c", "b", "a", "d"]


async def test_a_link_that_comes_back_is_no_new_use(tmp_path: Path) -> None:
    async with opened(tmp_path) as rig:
        rig.connects("a")
        rig.connects("a", before=S.DEGRADED)
        rig.loses("a")
        rig.connects("a", NOON.replace(hour=14))
        mark = (await rig.usage.marks())["a"]
        assert (mark.uses, mark.last_used) == (1, NOON.replace(hour=14))


async def test_a_renamed_host_keeps_its_marks_and_a_removed_one_loses_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as rig:
        await rig.usage.pin("a", pinned=True)
        rig.bus.publish(HostsChanged("new", HostChange.RENAMED, "a"))
        assert (await rig.usage.marks()).keys() == {"new"}
        rig.bus.publish(HostsChanged("new", HostChange.REMOVED))
        assert await rig.usage.marks() == {}


async def test_looking_makes_no_state(tmp_path: Path) -> None:
    async with opened(tmp_path / "state") as rig:
        assert await rig.order() == ["a", "b", "c", "d"]
    assert not (tmp_path / "state").exists()


async def test_a_state_directory_that_cannot_be_used_costs_the_marks_alone(tmp_path: Path) -> None:
    (tmp_path / "fairlead.db").write_text("this is no database, and long enough to be told so")
    async with opened(tmp_path) as rig:
        rig.connects("a")
        assert await rig.order() == ["a", "b", "c", "d"]


def test_pins_go_before_recency_and_the_rest_keeps_its_order() -> None:
    def entry(name: str, *, pinned: bool = False, hour: int | None = None) -> HostEntry:
        used = None if hour is None else NOON.replace(hour=hour)
        return HostEntry(name, HostSource.OWN, pinned=pinned, last_used=used)

    entries = [entry("e"), entry("d"), entry("c", hour=1), entry("b", hour=2), entry("a", pinned=True)]
    assert [one.name for one in by_use(entries)] == ["a", "b", "c", "e", "d"]
