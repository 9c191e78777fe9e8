"""Every case of the tables, and the few that are known to fail."""

from __future__ import annotations

import pytest

from backend.commands.terminals.emulator import Emulator, Look
from backend.commands.terminals.engines import make_emulator
from tests.unit.commands.terminals.conformance import cursor, editing, programs, states
from tests.unit.commands.terminals.conformance.case import Case

CASES = [*cursor.CASES, *editing.CASES, *states.CASES, *programs.CASES]
_PROTECTION = "characters that DECSCA protects are erased: no program of today marks any"
_ONE_LINE_BACK = "xterm backs out of a line that nothing wrapped into, once; here it stays"
KNOWN_TO_FAIL = {
    "DECSED_0_Protection": _PROTECTION,
    "DECSED_1_Protection": _PROTECTION,
    "DECSED_2_Protection": _PROTECTION,
    "DECSEL_0_Protection": _PROTECTION,
    "DECRQSS_DECSCA": _PROTECTION,
    "BS_AfterNoWrappedInlines": _ONE_LINE_BACK,
    "CUB_AfterNoWrappedInlines": _ONE_LINE_BACK,
    "DECRQM_ANSI_KAM": "a host does not lock the keyboard: the mode is never set",
}


def shown(emulator: Emulator, row: int) -> str:
    return "".join(run.text for run in emulator.row(row)).rstrip()


def look_at(emulator: Emulator, column: int, row: int) -> Look:
    """Of a screen without wide characters."""
    for run in emulator.row(row - 1):
        if column <= len(run.text):
            return run.look
        column -= len(run.text)
    return Look()


def seen(case: Case) -> Case:
    """The case as it turned out."""
    emulator = make_emulator(*case.size)
    emulator.feed(case.bytes_in)
    at = emulator.cursor
    screen = "|".join(shown(emulator, row) for row in range(emulator.rows)).rstrip("|")
    answer = emulator.take_wishes().replies.decode().replace("\x1b", "␛")
    return Case(
        case.name,
        case.fed,
        None if case.screen is None else screen,
        None if case.cursor is None else (at.column + 1, at.row + 1),
        None if case.answer is None else answer,
        {cell: look_at(emulator, *cell) for cell in case.looks},
        case.size,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case(case: Case) -> None:
    if case.name in KNOWN_TO_FAIL:
        assert seen(case) != case, "it passes: strike it off the list of those that are known to fail"
    else:
        assert seen(case) == case


def test_hardly_any_is_known_to_fail() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 250
    assert set(KNOWN_TO_FAIL) <= set(names)
    assert len(KNOWN_TO_FAIL) <= len(names) * 0.05
