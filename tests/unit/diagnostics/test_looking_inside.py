"""Looking from inside: which machine is asked, about what, over which way in, and what is said where it fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from backend.connection.target import Target
from backend.diagnostics.rungs import Diagnosis, Rung, RungId, RungStatus
from backend.diagnostics.server_side.look import ServerSides, question_of
from backend.errors import Code, FairleadError, LinkLost, SessionError
from mocks.clock import VirtualClock
from tests.support.scripted import FACTS, ScriptedBook, ScriptedLink, ScriptedProcess, hop

ONE, OTHER = "SHA256:" + "a" * 43, "SHA256:" + "b" * 43
BASTION = replace(hop("bastion", address="192.0.2.1"), user="jump")
BEHIND = Target("db-2", (BASTION, hop("db-2", address="192.0.2.2")))
ROOT = Target("bastion-root", (replace(hop("bastion-root", address="192.0.2.1"), user="root"),))


@dataclass
class OneSession:
    """A session whose link is there, or fails."""

    there: ScriptedLink | FairleadError

    async def link(self) -> ScriptedLink:
        if isinstance(self.there, FairleadError):
            raise self.there
        return self.there


class FewSessions:
    """Sessions by script."""

    def __init__(self, there: ScriptedLink | FairleadError, *connected: str) -> None:
        self._there = there
        self._connected = connected
        self.asked: list[str] = []

    def get(self, host: str) -> OneSession:
        self.asked.append(host)
        return OneSession(self._there)

    def connected(self) -> tuple[str, ...]:
        return self._connected


def sides(there: ScriptedLink | FairleadError, *connected: str) -> tuple[ServerSides, FewSessions]:
    sessions: Any = FewSessions(there, *connected)
    return ServerSides(sessions=sessions, book=ScriptedBook(BEHIND, ROOT), clock=VirtualClock()), sessions


def refused(at: str = "bastion", tried: str = f"publickey {ONE} (~/.ssh/id); password") -> Diagnosis:
    evidence = {"user": "jump", "tried": tried}
    return Diagnosis(
        "db-2",
        (
            Rung(RungId.HOST_KEY, RungStatus.PASS, at, evidence={"fingerprint": ONE}),
            Rung(RungId.AUTH, RungStatus.FAIL, at, Code.AUTH_DENIED, evidence=evidence),
        ),
    )


def answering(*lines: str, host_key: str = ONE) -> ScriptedLink:
    """A host that answers with these lines, whatever the marker is."""

    def answer(command: bytes) -> ScriptedProcess:
        return _Answers(lines)

    return ScriptedLink(answer, facts=replace(FACTS, host_key=host_key))


class _Answers(ScriptedProcess):
    """Says its lines, each behind the marker of the script that it is given."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__()
        self._lines = lines

    async def write_eof(self) -> None:
        marker = bytes(self.written).split(b"\n", 1)[0].split()[-1].decode()
        self.say("".join(f"{marker} {line}\n" for line in self._lines).encode())
        self.end(0)
        await super().write_eof()


def test_the_keys_and_methods_that_were_tried_are_what_is_asked_about() -> None:
    question = question_of(refused(), BASTION)
    assert (question.user, question.address) == ("jump", "192.0.2.1")
    assert question.shown == (ONE,)
    assert question.methods == ("publickey", "password")
    assert question_of(refused(tried="nothing"), BASTION).methods == ()


async def test_a_jump_host_that_refuses_is_the_machine_that_is_looked_at() -> None:
    looking, sessions = sides(answering("me root", "uid 0", "account none", "end yes"))
    assert await looking.ways_in(refused()) == ("bastion-root",)
    story = await looking.look(refused(), "bastion-root")
    assert (story.host, story.user, story.by, story.doubt) == ("bastion", "jump", "bastion-root", "")
    assert story.sentence == "The machine has no account jump."
    assert sessions.asked == ["bastion-root"]


async def test_another_host_key_makes_it_doubtful_that_it_is_the_same_machine() -> None:
    looking, _ = sides(answering("me root", "end yes", host_key=OTHER))
    story = await looking.look(refused(), "bastion-root")
    assert "may be another machine" in story.doubt
    assert story.to_json()["doubt"] == story.doubt


async def test_the_refused_login_itself_is_not_tried_again() -> None:
    looking, sessions = sides(LinkLost(Code.CONNECTION_LOST))
    with pytest.raises(FairleadError) as caught:
        await looking.look(refused("db-2"), "db-2")
    assert caught.value.code is Code.USAGE
    assert sessions.asked == []


async def test_a_host_that_runs_no_commands_is_told() -> None:
    link = answering()
    link.refuses = SessionError(Code.SESSION_REFUSED, evidence={"reason": "no"})
    looking, _ = sides(link)
    with pytest.raises(SessionError) as caught:
        await looking.look(refused(), "bastion-root")
    assert caught.value.code is Code.SESSION_REFUSED
    assert caught.value.host == "bastion-root"


async def test_why_the_other_way_in_fails_is_passed_on() -> None:
    looking, _ = sides(LinkLost(Code.CONNECTION_LOST, host="bastion-root"))
    with pytest.raises(LinkLost):
        await looking.look(refused(), "bastion-root")
