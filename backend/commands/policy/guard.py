"""Stands before every command: what a list denies is never run, what may wreck a host is asked about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.commands.hints import may_be_dangerous
from backend.commands.policy.dangers import dangers
from backend.commands.policy.rules import Rule, Rules, denial
from backend.commands.values import CommandSpec
from backend.connection.interaction import Confirmation, Interaction, has_person
from backend.errors import Code, FairleadError
from backend.production.guard import shown
from backend.settings.model import CommandOptions
from backend.text import clean_line

OptionsOf = Callable[[str], Sequence[tuple[str, CommandOptions]]]
"""`HostBook.command_options`."""


class CommandPolicy:
    """What may run where, and what is asked about."""

    def __init__(self, options_of: OptionsOf, *, person: Interaction, agreed: bool = False) -> None:
        """`agreed`: the person has agreed to all that is dangerous beforehand (`--yes`)."""
        self._options_of = options_of
        self._person = person
        self._agreed = agreed

    async def admit(self, host: str, spec: CommandSpec, *, agreed: bool = False) -> bool:
        """Let a command go on, or raise FairleadError COMMAND_DENIED or COMMAND_DANGEROUS.

        Whether the person was asked about it, and agreed. `agreed`: they have agreed to this very command before.
        """
        self._refuse_denied(host, spec, _judged(spec))
        return not agreed and await self.ask(host, spec)

    async def ask(self, where: str, spec: CommandSpec) -> bool:
        """Ask about the dangers of a command, if there are any, on a host or on what else `where` names.

        Whether the person was asked, and agreed. Raises FairleadError COMMAND_DANGEROUS.
        """
        if self._agreed or not may_be_dangerous(spec):
            return False
        texts = _judged(spec)
        found = [danger for text in texts for danger in dangers(text)]
        if not found:
            return False
        await self._confirm(where, found, texts)
        return True

    def _refuse_denied(self, host: str, spec: CommandSpec, texts: Sequence[bytes]) -> None:
        rules = rules_from(self._options_of(host))
        through = None if spec.elevate is None else spec.elevate.by.value
        for text in texts:
            if (found := denial(text, rules, through=through)) is not None:
                evidence = {"part": clean_line(shown(found.part)), "why": clean_line(found.why)}
                raise FairleadError(Code.COMMAND_DENIED, evidence=evidence, host=host)

    async def _confirm(self, host: str, found: Sequence[str], texts: Sequence[bytes]) -> None:
        danger = "; ".join(clean_line(each) for each in found)
        if not has_person(self._person):
            evidence = {"danger": danger, "why": "there is nobody to ask"}
            raise FairleadError(Code.COMMAND_DANGEROUS, evidence=evidence, host=host)
        lines = [f"• {clean_line(each)}" for each in found]
        detail = "\n".join([*lines, "", *(f"Run: {shown(text.decode('utf-8', 'replace'))}" for text in texts)])
        question = Confirmation(f"This is dangerous on {host}", detail, yes="Run it", danger=True)
        if not await self._person.confirm(question):
            raise FairleadError(
                Code.COMMAND_DANGEROUS, evidence={"danger": danger, "why": "you did not agree"}, host=host
            )


def _judged(spec: CommandSpec) -> Sequence[bytes]:
    return spec.judged or (spec.command,)


def rules_from(tables: Sequence[tuple[str, CommandOptions]]) -> Rules:
    """The rules of all tables, nearest first: every denial, and the nearest list of what is allowed."""
    deny = tuple(Rule(text, where) for where, options in tables for text in options.deny or ())
    allow = next(
        (tuple(Rule(text, where) for text in options.allow) for where, options in tables if options.allow is not None),
        None,
    )
    return Rules(deny, allow)


async def admits_all(host: str, spec: CommandSpec, *, agreed: bool = False) -> bool:
    """`CommandPolicy.admit`, for where nothing is guarded."""
    return agreed
