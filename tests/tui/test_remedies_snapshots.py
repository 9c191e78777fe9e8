"""How advice with a key looks: on the ladder, in the dialog of a failure, in the question, in the list of keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.diagnostics.ladder import RungId
from backend.diagnostics.remedies.keys import KeyAtHand
from backend.diagnostics.remedies.space import Big, Room
from backend.errors import Code, FileError
from tests.tui.conftest import settled
from tests.tui.fakes import FakeServices
from tests.tui.test_remedies import GREEN, KEY, OPEN_KEY, armed, broken, climbed, explained, failed
from tui.app import WorkbenchApp, WorkbenchOptions
from tui.glyphs import UNICODE

FULL = FileError(Code.DISK_FULL, evidence={"path": "/srv/data/model.bin"}, host="web-1")


@pytest.fixture
def app(services: FakeServices, own_home: Path) -> WorkbenchApp:
    """The workbench over services that stand still."""
    services.diagnostics.rungs = broken(OPEN_KEY, RungId.AUTH)
    services.explanations = {OPEN_KEY.code: explained(OPEN_KEY), FULL.code: explained(FULL)}
    return WorkbenchApp(services.open, WorkbenchOptions(glyphs=UNICODE, host="web-1"))


async def on_ladder(pilot: Pilot[Any]) -> None:
    await settled(pilot)
    await climbed(pilot)


def test_advice_with_keys_on_the_ladder(app: WorkbenchApp, size: tuple[int, int], snap_compare: Any) -> None:
    assert snap_compare(app, terminal_size=size, run_before=on_ladder)


def test_a_failure_with_keys(app: WorkbenchApp, size: tuple[int, int], snap_compare: Any) -> None:
    async def fail(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await failed(pilot, OPEN_KEY, "connecting to web-1")
        await armed(pilot)

    assert snap_compare(app, terminal_size=size, run_before=fail)


def test_what_is_asked_before_it_is_done(app: WorkbenchApp, size: tuple[int, int], snap_compare: Any) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await on_ladder(pilot)
        await pilot.press("f")
        await settled(pilot)
        await armed(pilot)

    assert snap_compare(app, terminal_size=size, run_before=ask)


def test_the_keys_to_choose_from(
    app: WorkbenchApp, services: FakeServices, size: tuple[int, int], snap_compare: Any
) -> None:
    services.remedies.at_hand = (
        KeyAtHand(Path("/keys/id_lab"), "SHA256:" + "Qm3x" * 10 + "abc", "ssh-ed25519", encrypted=True),
        KeyAtHand(Path("/keys/token.pub"), "SHA256:" + "9fQ0" * 10 + "abc", "ssh-rsa", in_agent=True),
        KeyAtHand(
            KEY, "SHA256:" + "bbbb" * 10 + "abc", "ssh-ed25519", named=True, problem="mode 0644: others may read it"
        ),
    )

    async def choose(pilot: Pilot[Any]) -> None:
        await on_ladder(pilot)
        await pilot.press("k")
        await settled(pilot)
        await armed(pilot)

    assert snap_compare(app, terminal_size=size, run_before=choose)


def test_a_full_disk_beside_a_ladder_that_passes(
    app: WorkbenchApp, services: FakeServices, size: tuple[int, int], snap_compare: Any
) -> None:
    services.diagnostics.rungs = GREEN

    async def led_there(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await failed(pilot, FULL, "copying")
        await armed(pilot, "d")

    assert snap_compare(app, terminal_size=size, run_before=led_there)


def test_what_takes_the_room(
    app: WorkbenchApp, services: FakeServices, size: tuple[int, int], snap_compare: Any
) -> None:
    sizes = {b"data/old-model.bin": 41.2e9, b"data": 41.9e9, b"cache": 6.1e9, b"cache/\x1b[31mlayers": 5.9e9}
    biggest = tuple(Big(path, int(count)) for path, count in sorted(sizes.items(), key=lambda item: -item[1]))
    services.remedies.room = Room(b"/srv", int(52e9), biggest)

    async def look(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await failed(pilot, FULL, "copying")
        await armed(pilot, "f")

    assert snap_compare(app, terminal_size=size, run_before=look)
