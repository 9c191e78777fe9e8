"""One climb: resolve, connect, try a session, the files and the speed, and tell each rung as it changes.

There is exactly one connection attempt, through the same connector as every other connection, and no repeat.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from backend.clock import Clock
from backend.connection.connector import Connector, Link, Phase, PhaseEvent, PhaseFailed, PhasePassed, PhaseStarted
from backend.connection.interaction import Interaction
from backend.connection.outcomes import way_of
from backend.connection.target import Hop, Target
from backend.connection.ways import described
from backend.diagnostics.board import Board
from backend.diagnostics.explain import Explanation, explain, explain_around
from backend.diagnostics.probes import Finding, probe_files, probe_performance, probe_session, shell_noise
from backend.diagnostics.routes import Attempt
from backend.diagnostics.rungs import Place, Rung, RungId, RungStatus, plan
from backend.diagnostics.summaries import summary_of
from backend.errors import Code, FairleadError, HostKeyError, SessionError
from backend.hosts.book import HostBook
from backend.text import clean_line

if TYPE_CHECKING:
    from backend.diagnostics.circumstances import Known

log = logging.getLogger(__name__)
_CLOSE_LIMIT = 3.0
_SUMMARY = 120


class Climb:
    """A ladder being climbed, once."""

    def __init__(
        self,
        host: str,
        *,
        connector: Connector,
        book: HostBook,
        interaction: Interaction,
        clock: Clock,
        marker: str,
        tell: Callable[[Rung], None],
        then: Callable[[Link, Hop], Awaitable[None]] | None = None,
        adjust: Callable[[Target], Target] | None = None,
        as_connected: Callable[[str], Target | None] = lambda host: None,
        known: Callable[[], Known] | None = None,
    ) -> None:
        """`then` gets the link once the ladder has its verdicts; `adjust` changes what this attempt does;
        `as_connected` is how a session reaches the host; `known` is who knows more of a failure."""
        self._as_connected = as_connected
        self._known = known
        self._host = host
        self._connector = connector
        self._book = book
        self._interaction = interaction
        self._clock = clock
        self._marker = marker
        self._then = then
        self._adjust = adjust
        self._board = Board(host, tell)
        self._target: Target | None = None
        self._attempt: Attempt | None = None
        self._failed_phase: PhaseFailed | None = None
        self._handshake: dict[str, float] = {}
        self._addresses: dict[str, tuple[str, ...]] = {}
        """By hop, as they were looked up here."""
        self._noise = ""
        self._began: dict[Place, float] = {}

    async def run(self) -> None:
        """Climb until a rung is broken or the last one is reached. Never raises for what is found."""
        try:
            attempt = self._attempt = await self._resolve()
            link = await attempt.connect(self._choose, self._observe)
            target = self._target
            assert target is not None
            try:
                await self._use(link, target.host)
            finally:
                await _close(link)
        except FairleadError as error:
            await self._fail(error)
        except Exception as bug:
            log.exception("the ladder to %s failed inside Fairlead", self._host)
            await self._fail(FairleadError(Code.INTERNAL, evidence={"reason": type(bug).__name__}, host=self._host))
        self._board.finish()

    # --- before the network ------------------------------------------------------------------------------------

    async def _resolve(self) -> Attempt:
        place = (self._host, RungId.CONFIG)
        self._begin(place)
        targets, source = await self._routes()
        if self._adjust is not None:
            targets = tuple(self._adjust(target) for target in targets)
        target = targets[0]
        self._board.settle(
            Rung(
                RungId.CONFIG,
                RungStatus.PASS,
                self._host,
                summary=source,
                ms=self._ms(place),
                evidence={**_config_evidence(targets), **await self._as_ssh_has_it(target)},
            )
        )
        return Attempt(targets, connector=self._connector, interaction=self._interaction, clock=self._clock)

    async def _routes(self) -> tuple[Sequence[Target], str]:
        """How the host is reached, and where that is written. An entry that was removed while its host is connected is
        as the session has it: as a name that was just typed it would be another host."""
        targets = await self._book.routes(self._host)
        written = targets[0].host.source
        before = None if written else self._as_connected(self._host)
        if before is not None and before.host.source:
            return (before,), f"no longer in {before.host.source}; this is how it is connected"
        return targets, written or "typed on the command line"

    async def _as_ssh_has_it(self, target: Target) -> Mapping[str, str]:
        """Where OpenSSH itself would go another way under this name: why one works and the other does not."""
        with contextlib.suppress(FairleadError):
            if found := await self._book.differences(target):
                return {"ssh_differs": "; ".join(f"{keyword}: {told}" for keyword, told in found.items())}
        return {}

    def _choose(self, target: Target) -> None:
        """The ladder is about this one of the host's routes."""
        self._target = target
        self._board.plan = plan(self._host, target)

    # --- what the connector tells ------------------------------------------------------------------------------

    def _observe(self, event: PhaseEvent) -> None:
        place = (event.hop.name, RungId.of(event.phase))
        self._tell_route(event.hop, place)
        if isinstance(event, PhaseStarted):
            self._board.begin(place)
        elif isinstance(event, PhaseFailed):
            self._board.begin(place)
            self._failed_phase = event
        else:
            self._pass(event, place)

    def _pass(self, event: PhasePassed, place: Place) -> None:
        self._handshake[place[1].value] = self._handshake.get(place[1].value, 0.0) + event.seconds
        evidence = {name: clean_line(value) for name, value in event.evidence.items()}
        if event.phase is Phase.NAME and (addresses := evidence.get("addresses")):
            self._addresses[place[0]] = tuple(addresses.split(", "))
        summary = summary_of(event.phase, evidence)[:_SUMMARY]
        ms = event.seconds * 1000
        self._board.settle(Rung(place[1], RungStatus.PASS, place[0], summary=summary, ms=ms, evidence=evidence))

    def _tell_route(self, hop: Hop, place: Place) -> None:
        """Once a hop's address is known, say which way it is reached."""
        if place[1] is RungId.NAME or self._target is None:
            return
        before = list(takewhile(lambda name: name != hop.name, (jump.name for jump in self._target.jumps)))
        way = f"via {' and '.join(before)}" if before else described(hop.way) or "direct"
        evidence = {"way": way, "to": f"{hop.address} port {hop.port}"}
        summary = way
        if not before and self._attempt is not None and (others := self._attempt.others):
            evidence |= {"route": self._target.route, **others}
            summary = "; ".join(
                (
                    f"{way}, for route {self._target.route}",
                    *(f"{name}: {told.partition(':')[0]}" for name, told in others.items()),
                )
            )
        self._board.settle(
            Rung(RungId.ROUTE, RungStatus.PASS, hop.name, summary=clean_line(summary)[:_SUMMARY], evidence=evidence)
        )

    # --- over the connection -----------------------------------------------------------------------------------

    async def _use(self, link: Link, hop: Hop) -> None:
        try:
            await self._probe(link, hop)
        except FairleadError as error:
            await self._fail(error)
        self._board.finish()
        if self._then is not None:
            await self._then(link, hop)

    async def _probe(self, link: Link, hop: Hop) -> None:
        session = await self._measure((hop.name, RungId.SESSION), probe_session(link, hop, self._marker, self._clock))
        if session.warning is not None and session.warning.code is Code.SHELL_NOISE:
            self._noise = session.warning.evidence["noise"]
        await self._measure((hop.name, RungId.FILES), self._files(link, hop))
        performance = probe_performance(link, hop, self._handshake, self._clock)
        await self._measure((hop.name, RungId.PERFORMANCE), performance)

    async def _files(self, link: Link, hop: Hop) -> Finding:
        """The files probe; where login files print text, that is why SFTP fails."""
        try:
            return await probe_files(link, hop, self._clock)
        except SessionError:
            if self._noise:
                raise shell_noise(hop, self._noise) from None
            raise

    async def _measure(self, place: Place, probe: Coroutine[Any, Any, Finding]) -> Finding:
        self._begin(place)
        found = await probe
        warning = found.warning
        told = None if warning is None else await self._explained(warning.located(host=self._host), place[0])
        evidence = {**(told.evidence if told else {}), **found.evidence}
        self._board.settle(
            Rung(
                place[1],
                found.status,
                place[0],
                code=warning.code if warning else None,
                summary=clean_line(found.summary)[:_SUMMARY],
                ms=self._ms(place),
                evidence=evidence,
                advice=told.advice if told else (),
                error=warning,
                remedies=told.remedies if told else (),
            )
        )
        return found

    # --- what went wrong ---------------------------------------------------------------------------------------

    async def _fail(self, error: FairleadError) -> None:
        place, ms = self._place_of_failure(error)
        hop = self._hop(place[0])
        error.located(host=self._host, hop=place[0] if self._is_jump(place[0]) else None)
        addresses = self._addresses.get(place[0], ())
        try:
            explanation = await explain_around(
                error, host=self._host, hop=hop, book=self._book, known=self._known, addresses=addresses
            )
        except Exception:  # the failure itself is told in any case
            log.exception("a failure of %s could not be explained further", self._host)
            explanation = Explanation(error.evidence, error.advice)
        self._board.begin(place)
        self._board.settle(
            Rung(
                place[1],
                RungStatus.FAIL,
                place[0],
                code=error.code,
                summary=error.message,
                ms=ms,
                evidence=explanation.evidence,
                advice=explanation.advice,
                error=error,
                remedies=explanation.remedies,
            )
        )

    async def _explained(self, error: FairleadError, at: str) -> Explanation:
        return await explain(error, host=self._host, hop=self._hop(at), book=self._book)

    def _place_of_failure(self, error: FairleadError) -> tuple[Place, float | None]:
        """The rung that the connector named, or else the first one without a verdict. What keeps host keys from being
        checked at all is told on their rung, though nothing was tried before it."""
        failed = self._failed_phase
        if failed is not None:
            about_keys = isinstance(error, HostKeyError)
            place = (failed.hop.name, RungId.HOST_KEY if about_keys else RungId.of(failed.phase))
            if self._board.open(place):
                return place, failed.seconds * 1000
        place = self._board.current or (self._host, RungId.CONFIG)
        return place, self._ms(place)

    def _is_jump(self, name: str) -> bool:
        return self._target is not None and any(jump.name == name for jump in self._target.jumps)

    def _hop(self, name: str) -> Hop | None:
        hops = self._target.hops if self._target is not None else ()
        return next((hop for hop in hops if hop.name == name), None)

    def _begin(self, place: Place) -> None:
        self._began[place] = self._clock.monotonic()
        self._board.begin(place)

    def _ms(self, place: Place) -> float | None:
        """How long ago a rung of our own was begun."""
        began = self._began.get(place)
        return None if began is None else (self._clock.monotonic() - began) * 1000


async def _close(link: Link) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(link.close(), _CLOSE_LIMIT)


def _config_evidence(targets: Sequence[Target]) -> dict[str, str]:
    """How the host is to be reached, as the host book resolved it."""
    target = targets[0]
    hop = target.host
    told = {
        "source": clean_line(hop.source),
        "address": clean_line(f"{hop.address} port {hop.port}"),
        "user": clean_line(hop.user),
        "route": ", ".join(clean_line(f"{one.route} ({way_of(one)})") for one in targets)
        if len(targets) > 1
        else clean_line(" → ".join(jump.name for jump in target.jumps)) or way_of(target),
        "keys": clean_line(", ".join(str(path) for path in hop.identity_files)) or "none named",
        "methods": ", ".join(hop.auth_methods),
        "host_keys": clean_line(", ".join(str(path) for path in hop.known_hosts.user)) or "none",
    }
    if not_followed := _not_followed(target):
        told["ssh_config"] = not_followed
    return told


def _not_followed(target: Target) -> str:
    """What of the ssh configuration is not followed, or followed differently, at which hop."""
    notes = [
        note if hop is target.host else f"{hop.name}: {note}" for hop in reversed(target.hops) for note in hop.notes
    ]
    return clean_line("; ".join(notes))
