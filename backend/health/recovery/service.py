"""Auto-recovery: carries out the listed actions that the person has allowed for a host, and nothing else.

Each has a dry run, is capped over restarts and processes, asks where every change of the host asks, and is written down
with what came of it. What is not allowed is refused and said, never done in silence.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from backend.clock import Clock
from backend.connection.connector import Link
from backend.connection.sessions import Sessions
from backend.errors import Code, FairleadError, LinkLost
from backend.events import EventBus
from backend.files.host_commands import NoAnswer, ask_script
from backend.health.deep.values import DeepCheck, Level
from backend.health.deep.wording import plural
from backend.health.history.values import Deed
from backend.health.recovery import scripts
from backend.health.recovery.ledger import CAPS, Ledger
from backend.health.recovery.values import Action, Kind, Outcome, Planned, RecoveryDone
from backend.production.guard import Permit, PermitToRun
from backend.settings.model import HealthOptions
from backend.text import clean_line, show_bytes

log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds for an action on the host; systemd itself waits for 90."""
_NOTICE = 300
"""Characters of what a host says about it."""


class Recovery:
    """Plans and carries out actions. Its deeds can be read after a restart."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        link_of: Callable[[str], Link | None],
        ledger: Ledger,
        options: Callable[[str], HealthOptions],
        permit: Permit,
        permit_to_run: PermitToRun,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        """`link_of` gives a link that is up. `permit_to_run` is asked before a unit is restarted, with the command that
        lists of commands may deny; `permit` before anything else is changed."""
        self._link_of = link_of
        self._sessions = sessions
        self._ledger = ledger
        self._options = options
        self._permit = permit
        self._permit_to_run = permit_to_run
        self._bus = bus
        self._clock = clock
        self._under_way: set[str] = set()

    # --- planning ------------------------------------------------------------------------------------------------

    def called_for(self, check: DeepCheck) -> tuple[Action, ...]:
        """The allowed actions that `check` calls for."""
        options, found = self._options(check.host), []
        for unit in options.restart or ():
            if full_name(unit) in check.failed_units:
                found.append(Action(check.host, Kind.RESTART, full_name(unit), f"{full_name(unit)} has failed."))
        if options.clear_temp and (disk := _nearly_full(check)):
            found.append(Action(check.host, Kind.CLEAR_TEMP, why=disk))
        return tuple(found)

    def reconnecting(self, host: str, why: str) -> Action | None:
        """The action that connects `host` again, where it is allowed."""
        return Action(host, Kind.RECONNECT, why=why) if self._options(host).reconnect else None

    async def dry_run(self, host: str, check: DeepCheck | None = None) -> tuple[Planned, ...]:
        """Everything that is allowed for `host`, as it would be done; with `check`, what that calls for. Nothing is
        done, and nothing counted. Raises ConfigError or FileError where the counts cannot be read."""
        actions = self._all(host) if check is None else self.called_for(check)
        return tuple([await self._planned(action) for action in actions])

    async def deeds(self, host: str, since: float) -> tuple[Deed, ...]:
        """What was done to `host` since then (seconds since 1970), oldest first. Raises as `dry_run`."""
        return await self._ledger.deeds(host, since)

    def _all(self, host: str) -> tuple[Action, ...]:
        options = self._options(host)
        return (
            *([Action(host, Kind.RECONNECT)] if options.reconnect else []),
            *(Action(host, Kind.RESTART, full_name(unit)) for unit in options.restart or ()),
            *([Action(host, Kind.CLEAR_TEMP)] if options.clear_temp else []),
        )

    async def _planned(self, action: Action) -> Planned:
        left = await self._ledger.left(action)
        most, window = CAPS[action.kind]
        span = "an hour" if window == 3600 else f"{window / 3600:g} hours"
        text = f"Would {_in_words(action)}; {left} of {most} times within {span} are left."
        return Planned(action, show_bytes(_command(action)), text, allowed=left > 0)

    # --- doing ---------------------------------------------------------------------------------------------------

    async def carry_out(self, action: Action) -> Outcome:
        """Do `action` once, if it may be done; never raises for what the host or a person says. Publishes what came of
        it. The same action of a host is not begun twice at once."""
        key = f"{action.host}\0{action.name}"
        if key in self._under_way:
            return Outcome.CAPPED
        self._under_way.add(key)
        try:
            outcome, text = await self._guarded(action)
        finally:
            self._under_way.discard(key)
        log.info("recovery", extra={"host": action.host, "action": action.name, "outcome": outcome.value})
        self._bus.publish(RecoveryDone(action.host, action.name, outcome, text))
        return outcome

    async def _guarded(self, action: Action) -> tuple[Outcome, str]:
        try:
            if await self._ledger.left(action) <= 0:
                return await self._not_begun(action, Outcome.CAPPED, _capped(action))
            try:
                await self._ask(action)
            except FairleadError as error:
                return await self._not_begun(action, Outcome.REFUSED, error.message)
            claim = await self._ledger.claim(action)
            if claim is None:
                return await self._not_begun(action, Outcome.CAPPED, _capped(action))
            try:
                outcome, text = await self._do(action)
            except FairleadError as error:
                outcome, text = Outcome.FAILED, error.message
            await self._ledger.settle(claim, outcome, text)
        except FairleadError as error:
            text = f"Nothing is done while it cannot be counted: {error.message}"
            return Outcome.REFUSED, text
        return outcome, text

    async def _not_begun(self, action: Action, outcome: Outcome, text: str) -> tuple[Outcome, str]:
        await self._ledger.note(action, outcome, text)
        return outcome, text

    async def _ask(self, action: Action) -> None:
        if action.kind is Kind.RESTART:
            await self._permit_to_run(action.host, _command(action))
        elif action.kind is Kind.CLEAR_TEMP:
            await self._permit(action.host, f"Auto-recovery: {_in_words(action)}. {action.why}".strip())

    async def _do(self, action: Action) -> tuple[Outcome, str]:
        doing: dict[Kind, Callable[[Action], Awaitable[tuple[Outcome, str]]]] = {
            Kind.RECONNECT: self._reconnect,
            Kind.RESTART: self._restart,
            Kind.CLEAR_TEMP: self._clear,
        }
        return await doing[action.kind](action)

    async def _reconnect(self, action: Action) -> tuple[Outcome, str]:
        await self._sessions.get(action.host).link()
        return Outcome.DONE, f"{action.host} is connected again."

    async def _restart(self, action: Action) -> tuple[Outcome, str]:
        said = await self._said(action, scripts.restarting(action.subject))
        if said == "active":
            return Outcome.DONE, f"{action.subject} was restarted and is active."
        if said.startswith("refused "):
            return Outcome.FAILED, f"{action.subject} could not be restarted: {_notice(said.removeprefix('refused '))}"
        if said.startswith("state "):
            state = _notice(said.removeprefix("state "))
            return Outcome.FAILED, f"{action.subject} was restarted and is {state} after {scripts.WAIT} s."
        return Outcome.FAILED, f"Whether {action.subject} was restarted is not known: {_notice(said)}"

    async def _clear(self, action: Action) -> tuple[Outcome, str]:
        said = await self._said(action, scripts.clearing())
        count = said.split().count("removed")
        if not said.endswith("end"):
            return Outcome.FAILED, f"Whether anything was removed is not known: {_notice(said)}"
        return Outcome.DONE, f"{plural(count, 'file')} left over by Fairlead {'was' if count == 1 else 'were'} removed."

    async def _said(self, action: Action, script: bytes) -> str:
        answer = await ask_script(self._live(action.host), script, seconds=PATIENCE)
        if isinstance(answer, NoAnswer):
            return f"the host {answer.value}"
        return clean_line(show_bytes(answer.strip().replace(b"\n", b" ")))

    def _live(self, host: str) -> Link:
        """The link that is up. Nothing is connected for the sake of an action on a host."""
        link = self._link_of(host)
        if link is None:
            raise LinkLost(Code.CONNECTION_LOST, f"{host} is not connected.", host=host)
        return link


def _notice(said: str) -> str:
    return said[:_NOTICE]


def full_name(unit: str) -> str:
    """`nginx` is `nginx.service`, as systemctl(1) takes it."""
    return unit if "." in unit else f"{unit}.service"


def _nearly_full(check: DeepCheck) -> str:
    """The sentence about a disk that is nearly full; empty where none is."""
    for one in check.concerns:
        if one.name.startswith("disk.") and one.level in (Level.WARN, Level.CRITICAL) and one.value is not None:
            return one.text
    return ""


def _command(action: Action) -> bytes:
    if action.kind is Kind.RESTART:
        return scripts.shown_restart(action.subject)
    return scripts.shown_clear() if action.kind is Kind.CLEAR_TEMP else b""


def _in_words(action: Action) -> str:
    if action.kind is Kind.RESTART:
        return f"restart {action.subject} and wait until it is active"
    if action.kind is Kind.CLEAR_TEMP:
        return "remove scripts and probe files that Fairlead itself has left over"
    return "connect again"


def _capped(action: Action) -> str:
    most, window = CAPS[action.kind]
    return f"Not done: it was done {most} times within {window / 3600:g} h already, which is as often as it may be."
