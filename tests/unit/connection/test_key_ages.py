"""Since when a host key is known, and that a person who is asked about a changed one is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from backend.connection.connector import Phase, PhasePassed, PhaseStarted
from backend.connection.interaction import HostKeyDecision, HostKeyQuestion, HostKeyState, KnownKey
from backend.connection.key_ages import Dated, KeyAges
from backend.connection.session import PhaseSeen
from backend.connection.target import Hop
from backend.events import EventBus
from backend.store import Store
from mocks.clock import VirtualClock
from tests.support.person import Person

OLD, OTHER, NEW = "SHA256:old", "SHA256:other", "SHA256:new"
HOP = Hop("web-1", "192.0.2.7", 22, "me")


def shown(fingerprint: str) -> PhaseSeen:
    return PhaseSeen("web-1", PhasePassed(HOP, Phase.HOST_KEY, 0.0, {"fingerprint": fingerprint}))


def changed() -> HostKeyQuestion:
    known = tuple(KnownKey("ssh-ed25519", key, "~/.ssh/known_hosts:7") for key in (OLD, OTHER))
    return HostKeyQuestion("web-1", "web-1", HostKeyState.CHANGED, "ssh-ed25519", NEW, "", known=known)


async def test_the_first_time_counts_also_for_later_programs(tmp_path: Path) -> None:
    clock, store = VirtualClock(), Store(tmp_path / "fairlead.db")
    first = clock.now()
    for _ in range(2):
        bus = EventBus()
        ages = KeyAges(bus=bus, store=store, clock=clock)
        bus.publish(PhaseSeen("web-1", PhaseStarted(HOP, Phase.HOST_KEY)))
        bus.publish(shown(OLD))
        bus.publish(shown(OLD))
        assert await ages.since([OLD, NEW]) == {OLD: first}
        await ages.close()
        await clock.sleep(timedelta(days=40).total_seconds())
    await store.close()


async def test_who_is_asked_about_a_changed_key_is_told_since_when_the_old_one_was_good(tmp_path: Path) -> None:
    clock, store, bus = VirtualClock(), Store(tmp_path / "fairlead.db"), EventBus()
    ages = KeyAges(bus=bus, store=store, clock=clock)
    bus.publish(shown(OLD))
    person = Person()
    assert await Dated(person, ages).host_key(changed()) is HostKeyDecision.REFUSE
    at = clock.now().astimezone()
    assert [key.since for key in person.questions[0].known] == [f"{at.day} {at:%B %Y}", ""]
    await ages.close()
    await store.close()


async def test_a_state_directory_that_cannot_be_used_keeps_nobody_from_being_asked(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in the way")
    clock, store, bus = VirtualClock(), Store(tmp_path / "state" / "fairlead.db"), EventBus()
    ages = KeyAges(bus=bus, store=store, clock=clock)
    bus.publish(shown(OLD))
    person = Person(host_keys=[HostKeyDecision.ONCE])
    assert await Dated(person, ages).host_key(changed()) is HostKeyDecision.ONCE
    assert [key.since for key in person.questions[0].known] == ["", ""]
    await ages.close()
    await store.close()
