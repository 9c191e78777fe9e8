"""Several commands in turn: one outcome each, a stop where nobody knows what happened, repeats that do no harm."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from backend.commands.executor import CommandService, CommandSpec
from backend.commands.policy.guard import CommandPolicy
from backend.commands.sequence import OnFailure, Repeats, SequenceRun, Step
from backend.connection.interaction import Nobody
from backend.errors import Code, FairleadError, LinkLost
from backend.events import EventBus
from backend.production.guard import never_asks
from backend.settings.model import CommandOptions
from mocks.clock import VirtualClock
from tests.support.scripted import ScriptedLink, ScriptedProcess, ScriptedSessions, nobody_else

Ends = Callable[[ScriptedProcess], object]


class Bench:
    """Commands that end as `ends` says, by their words."""

    def __init__(self, **ends: Ends) -> None:
        self.clock = VirtualClock()
        self.link = ScriptedLink(lambda command: self._process(ends[command.decode()]))
        self.sessions = ScriptedSessions(self.link)
        policy = CommandPolicy(lambda host: [("[defaults]", CommandOptions(deny=("denied",)))], person=Nobody())
        self.service = CommandService(
            sessions=self.sessions.as_sessions(),
            bus=EventBus(),
            clock=self.clock,
            admit=policy.admit,
            permit=never_asks,
            elevation=nobody_else,
        )

    @staticmethod
    def _process(end: Ends) -> ScriptedProcess:
        process = ScriptedProcess()
        end(process)
        return process

    async def run(self, *commands: str, **how: object) -> tuple[Step, ...]:
        run = SequenceRun(self.service, self.clock, chance=Random(1), **how)  # type: ignore[arg-type]
        return await run.run("web-1", [CommandSpec(command.encode()) for command in commands])

    @property
    def started(self) -> list[str]:
        return [command.decode() for command in self.link.commands]


def well(process: ScriptedProcess) -> None:
    process.end(0)


def badly(process: ScriptedProcess) -> None:
    process.end(3)


def lost(process: ScriptedProcess) -> None:
    process.lose()


def second_time() -> Ends:
    attempts = iter((3, 0))
    return lambda process: process.end(next(attempts))


async def test_each_has_an_outcome_and_the_first_failure_ends_it() -> None:
    bench = Bench(a=well, b=badly, c=well)
    steps = await bench.run("a", "b", "c")
    assert bench.started == ["a", "b"]
    assert [step.outcome is None for step in steps] == [False, False, True]
    assert steps[1].outcome is not None and steps[1].outcome.exit is not None
    assert steps[1].outcome.exit.status == 3


async def test_it_goes_on_where_it_is_told_to() -> None:
    bench = Bench(a=badly, b=well)
    steps = await bench.run("a", "b", on_failure=OnFailure.GO_ON)
    assert [step.outcome.succeeded for step in steps if step.outcome] == [False, True]


async def test_nothing_runs_beside_one_whose_end_is_not_known() -> None:
    bench = Bench(a=lost, b=well)
    steps = await bench.run("a", "b", on_failure=OnFailure.GO_ON)
    assert bench.started == ["a"]
    assert steps[1].outcome is None


async def test_a_command_that_may_not_run_keeps_all_of_them_from_beginning() -> None:
    bench = Bench(a=well, denied=well)
    with pytest.raises(FairleadError) as caught:
        await bench.run("a", "denied")
    assert caught.value.code is Code.COMMAND_DENIED
    assert bench.started == []


async def test_what_may_be_repeated_is_tried_again_after_a_while() -> None:
    bench = Bench(a=second_time())
    (step,) = await bench.run("a", repeats=Repeats(2, repeatable=True))
    assert step.outcome is not None and step.outcome.succeeded
    assert step.attempts == 2


async def test_repeats_come_to_an_end() -> None:
    bench = Bench(a=lost)
    (step,) = await bench.run("a", repeats=Repeats(2, repeatable=True))
    assert (step.attempts, bench.started) == (3, ["a"] * 3)
    assert step.outcome is not None and isinstance(step.outcome.error, LinkLost)


@pytest.mark.parametrize("end", [badly, lost])
async def test_nothing_else_is_ever_repeated(end: Ends) -> None:
    bench = Bench(a=end)
    (step,) = await bench.run("a", repeats=Repeats(5))
    assert (step.attempts, bench.started) == (1, ["a"])
