"""Looks at a host from inside, over another name under which it can be entered, for why a login there is refused."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from backend.clock import Clock
from backend.connection.connector import Link
from backend.connection.sessions import Sessions
from backend.connection.target import Hop
from backend.diagnostics.rungs import Diagnosis, RungId
from backend.diagnostics.server_side.facts import read_inside
from backend.diagnostics.server_side.findings import ServerSide
from backend.diagnostics.server_side.judge import judge
from backend.diagnostics.server_side.script import Question, inside_script
from backend.diagnostics.server_side.ways_in import same_login, ways_in
from backend.diagnostics.verify import new_marker
from backend.errors import Code, ConfigError, SessionError
from backend.files.host_commands import NoAnswer, ask_script
from backend.hosts.book import HostBook

LIMIT = 20.0
"""Seconds for the whole answer."""
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_METHODS = ("publickey", "keyboard-interactive", "password")


class ServerSides:
    """Tells the server's side of refused logins."""

    def __init__(
        self, *, sessions: Sessions, book: HostBook, clock: Clock, chance: random.Random | None = None
    ) -> None:
        self._sessions = sessions
        self._book = book
        self._clock = clock
        self._chance = chance or random.SystemRandom()

    async def ways_in(self, diagnosis: Diagnosis) -> tuple[str, ...]:
        """Names under which the machine that refuses may be entered, the best first; those that are connected lead."""
        hop = await self._hop_of(diagnosis)
        return await ways_in(self._book, hop, diagnosis.host, first=self._sessions.connected())

    async def look(self, diagnosis: Diagnosis, by: str) -> ServerSide:
        """What the host says about the login that `diagnosis` is about, seen as `by`. Connects where need be.

        Raises what `Session.link` raises; ConfigError USAGE where `by` is the very login that is refused; SessionError
        SESSION_REFUSED or NO_ANSWER where no commands can be run there.
        """
        hop = await self._hop_of(diagnosis)
        other = (await self._book.routes(by))[0].host
        if diagnosis.failed is not None and (by == diagnosis.host or same_login(other, hop)):
            problem = f"{by} is the login that is refused; name another way in, as root@{hop.name}"
            raise ConfigError(Code.USAGE, evidence={"problem": problem})
        link = await self._sessions.get(by).link()
        question = question_of(diagnosis, hop)
        marker = new_marker(self._chance)
        answer = await ask_script(link, inside_script(question, marker), seconds=LIMIT)
        if isinstance(answer, NoAnswer):
            raise _no_answer(by, answer)
        story = judge(question, read_inside(answer, marker), by=by)
        return story.doubted(_other_machine(diagnosis, hop, link, by))

    async def _hop_of(self, diagnosis: Diagnosis) -> Hop:
        """The machine whose rung is broken; the host itself where none is."""
        target = (await self._book.routes(diagnosis.host))[0]
        wanted = diagnosis.failed.hop if diagnosis.failed is not None else target.host.name
        return next((hop for hop in target.hops if hop.name == wanted), target.host)


def question_of(diagnosis: Diagnosis, hop: Hop) -> Question:
    """What is to be asked about the login of `hop`: the keys and methods that were tried, as the ladder saw them."""
    rungs = [rung for rung in diagnosis.rungs if rung.id is RungId.AUTH and rung.hop in {hop.name, diagnosis.host}]
    told = {name: value for rung in rungs for name, value in rung.evidence.items()}
    tried = told.get("tried", "")
    shown = _FINGERPRINT.findall(f"{tried} {told.get('key', '')}")
    methods = tuple(method for method in _METHODS if re.search(rf"(?:^|; ){re.escape(method)}\b", tried))
    return Question(hop.name, told.get("user", hop.user), hop.address, hop.port, tuple(dict.fromkeys(shown)), methods)


def _other_machine(diagnosis: Diagnosis, hop: Hop, link: Link, by: str) -> str:
    """Why what was looked at may be another machine; empty where nothing speaks for that."""
    keys = _fingerprints(
        rung.evidence.get("fingerprint", "")
        for rung in diagnosis.rungs
        if rung.id is RungId.HOST_KEY and rung.hop == hop.name
    )
    if not keys or not link.facts.host_key or link.facts.host_key in keys:
        return ""
    return f"{by} shows another host key than {hop.name}, so it may be another machine"


def _fingerprints(told: Iterable[str]) -> frozenset[str]:
    return frozenset(one for text in told for one in _FINGERPRINT.findall(text))


def _no_answer(by: str, answer: NoAnswer) -> SessionError:
    if answer is NoAnswer.LATE:
        told = {"seconds": f"{LIMIT:g}", "remote": "a few questions about an account", "link": "it is up"}
        return SessionError(Code.NO_ANSWER, evidence=told, host=by)
    return SessionError(Code.SESSION_REFUSED, evidence={"reason": f"it {answer}"}, host=by)
