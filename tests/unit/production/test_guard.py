"""The question before a production host is changed, and what becomes of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from backend.connection.interaction import Confirmation, Nobody
from backend.connection.sessions import Sessions
from backend.errors import Code, FairleadError
from backend.hosts.book import HostBook
from backend.production.guard import ProductionGuard


@dataclass
class Somebody:
    """Says the same to every confirmation."""

    agrees: bool
    asked: list[Confirmation] = field(default_factory=list)

    async def confirm(self, question: Confirmation) -> bool:
        self.asked.append(question)
        return self.agrees


def guard(person: Any, *, marked: bool = True, resolved: bool = True, agreed: bool = False) -> ProductionGuard:
    target = SimpleNamespace(production=marked)

    async def is_production(name: str) -> bool:
        assert not resolved, "a host that is connected was looked up again"
        return marked

    sessions = SimpleNamespace(get=lambda host: SimpleNamespace(target=target if resolved else None))
    book = SimpleNamespace(is_production=is_production)
    return ProductionGuard(sessions=cast(Sessions, sessions), book=cast(HostBook, book), person=person, agreed=agreed)


@pytest.mark.parametrize("resolved", [True, False], ids=["connected", "not yet"])
async def test_a_production_host_asks_and_tells_the_change(resolved: bool) -> None:
    person = Somebody(agrees=True)
    await guard(person, resolved=resolved).ask("db", "Delete /srv/app")
    (question,) = person.asked
    assert question.title == "db is a production host"
    assert question.detail == "Delete /srv/app"
    assert question.danger


async def test_a_no_is_an_error_that_says_so() -> None:
    with pytest.raises(FairleadError) as caught:
        await guard(Somebody(agrees=False)).ask("db", "Delete /srv/app")
    assert caught.value.code is Code.PRODUCTION_HOST
    assert caught.value.host == "db"
    assert "you did not agree" in caught.value.message


async def test_a_no_for_many_hosts_names_some_and_counts_the_others() -> None:
    with pytest.raises(FairleadError) as caught:
        await guard(Somebody(agrees=False)).ask_to_run_on(["a", "b", "c", "d", "e"], b"reboot")
    assert caught.value.code is Code.PRODUCTION_HOST
    assert "a, b, c and 2 more are production hosts, and you did not agree" in caught.value.message


async def test_where_nobody_can_be_asked_nothing_is_changed() -> None:
    with pytest.raises(FairleadError) as caught:
        await guard(Nobody()).ask("db", "Delete /srv/app")
    assert caught.value.code is Code.PRODUCTION_HOST
    assert "nobody to ask" in caught.value.message


async def test_other_hosts_and_what_is_agreed_to_beforehand_are_not_asked_about() -> None:
    person = Somebody(agrees=False)
    await guard(person, marked=False).ask("web", "Delete /srv/app")
    await guard(person, agreed=True).ask("db", "Delete /srv/app")
    assert not person.asked


async def test_a_command_is_asked_about_unless_it_only_looks() -> None:
    person = Somebody(agrees=True)
    await guard(person).ask_to_run("db", b"uptime")
    assert not person.asked
    await guard(person).ask_to_run("db", b"reboot")
    assert [question.detail for question in person.asked] == ["Run: reboot"]
    await guard(person, marked=False).ask_to_run("web", b"reboot")
    assert len(person.asked) == 1


async def test_the_change_is_shown_cleaned_and_bounded() -> None:
    person = Somebody(agrees=True)
    await guard(person).ask("db", "Run: \x1b[2Jrm " + "x" * 5000)
    (question,) = person.asked
    assert "\x1b" not in question.detail
    assert len(question.detail) < 1100
    assert question.detail.endswith("characters)")
