"""`diagnose --fix` and `--apply`: which remedy is meant, what it will do, the question, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.connection.interaction import Confirmation
from backend.dataclass import dataclass
from backend.diagnostics.ladder import Diagnosis
from backend.diagnostics.remedies.model import Changes, Remedy, RemedyId
from backend.errors import Advice, Code, ConfigError, Interrupted
from backend.sizes import size_text
from backend.text import clean_line, show_bytes
from cli.failures import print_json

if TYPE_CHECKING:
    from backend.diagnostics.checks import Check
    from backend.diagnostics.remedies.keys import KeyAtHand
    from backend.diagnostics.remedies.service import Applied
    from backend.diagnostics.remedies.space import Room
    from backend.diagnostics.slowness.report import SlowReport
    from cli.execute import Services


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says about remedies."""

    fix: bool = False
    """Apply the first one that needs no choice."""
    remedy: RemedyId | None = None
    """Apply this one."""
    key: Path | None = None
    """For `choose-key`."""

    @property
    def something(self) -> bool:
        return self.fix or self.remedy is not None


def remedies_at_hand(
    diagnosis: Diagnosis, checks: Sequence[Check] = (), slow: SlowReport | None = None
) -> tuple[Remedy, ...]:
    """Those that are meant: of the broken rung; where none is broken, of what makes the host slow, of warnings, and of
    what verifying it has found."""
    if diagnosis.failed is not None:
        return diagnosis.failed.remedies
    found = [slow.can if slow is not None else ()]
    found += [one.remedies for one in diagnosis.rungs] + [one.remedies for one in checks]
    return tuple(remedy for remedies in found for remedy in remedies)


def pick(at_hand: Sequence[Remedy], wanted: Wanted) -> Remedy | None:
    """The remedy that is meant; None where `--fix` finds nothing that can be done.

    Raises ConfigError USAGE where the one that was named does not apply here.
    """
    can = [remedy for remedy in at_hand if remedy.lasts]
    if wanted.remedy is None:
        return next((remedy for remedy in can if not remedy.needs_choice), None)
    if (found := next((remedy for remedy in can if remedy.id is wanted.remedy), None)) is not None:
        return found
    there = ", ".join(dict.fromkeys(remedy.id.value for remedy in can))
    problem = f"{wanted.remedy.value} does not apply here; {f'there is {there}' if there else 'nothing does'}"
    raise ConfigError(Code.USAGE, problem, evidence={"problem": problem})


async def apply(services: Services, remedy: Remedy, wanted: Wanted) -> Applied | None:
    """Say what will be done, ask unless that was agreed to (`--yes`) or nothing is changed, and do it.

    None where keys were listed to choose from, and nothing was done. Raises FairleadError, Interrupted for a no.
    """
    from backend.diagnostics.remedies.service import Choice

    choice = None
    if remedy.needs_choice:
        if wanted.key is None:
            _show_keys(services, remedy, await services.container.remedies.keys(remedy))
            return None
        choice = Choice(wanted.key.expanduser().absolute())
    await _agree(services, remedy, wanted)
    applied = await services.container.remedies.apply(remedy, choice)
    services.narration.say(applied.said)
    if applied.undo:
        services.narration.say(f"to take it back: {applied.undo}")
    if applied.room is not None and not services.flags.json:
        click.echo("\n".join(room_lines(applied.room)))
    return applied


async def _agree(services: Services, remedy: Remedy, wanted: Wanted) -> None:
    shown = remedy.dry_run if wanted.key is None else remedy.dry_run.replace("KEY", clean_line(str(wanted.key)))
    services.narration.say(remedy.sentence)
    services.narration.say(f"  {shown}")
    if services.flags.yes or remedy.changes is Changes.NOTHING:
        return
    if not services.somebody:
        problem = f"this changes {remedy.changes.value}, and there is nobody to ask; give --yes"
        raise ConfigError(
            Code.USAGE, problem, evidence={"problem": problem}, advice=(Advice("Or do it by hand.", shown),)
        )
    question = Confirmation(f"This changes {remedy.changes.value}.", "", yes=remedy.agreed)
    if not await services.interaction.confirm(question):
        raise Interrupted(Code.INTERRUPTED, "Nothing was changed.", advice=())


def _show_keys(services: Services, remedy: Remedy, keys: tuple[KeyAtHand, ...]) -> None:
    if services.flags.json:
        print_json({"keys": [_key_json(key) for key in keys]})
        return
    for key in keys:
        click.echo(f"{key.shown}\n    {key.words}")
    host = clean_line(remedy.host)
    if keys:
        services.narration.say(f"Name one of them: fairlead diagnose {host} --apply {remedy.id.value} --key FILE")
    else:
        services.narration.say("There is no key in ~/.ssh. Make one, and have it installed there: ssh-keygen")


def _key_json(key: KeyAtHand) -> dict[str, Any]:
    return {
        "path": str(key.path),
        "fingerprint": key.fingerprint or None,
        "type": key.kind or None,
        "in_agent": key.in_agent,
        "encrypted": key.encrypted,
        "tried": key.named,
        "problem": key.problem or None,
    }


def room_lines(room: Room) -> list[str]:
    """What takes the room, the biggest first."""
    place = show_bytes(room.place)
    total = "" if room.total is None else f", {size_text(room.total)} in all"
    partial = " (not everything could be counted)" if room.partial else ""
    return [f"below {place}{total}{partial}:", *(f"{size_text(big.bytes):>9}  {big.shown}" for big in room.biggest)]


def applied_json(remedy: Remedy, applied: Applied) -> dict[str, Any]:
    """The key `applied` of `diagnose --json`."""
    told: dict[str, Any] = {"id": remedy.id.value, "said": applied.said, "undo": applied.undo or None}
    if applied.room is None:
        return told
    biggest = [{"path": big.shown, "bytes": big.bytes} for big in applied.room.biggest]
    return {
        **told,
        "place": show_bytes(applied.room.place),
        "total": applied.room.total,
        "partial": applied.room.partial,
        "biggest": biggest,
    }
