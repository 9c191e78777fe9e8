"""Pictures of the panels of one host. Look at them before accepting a change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.connection.state import SessionState
from backend.diagnostics.checks import Check, CheckId, CheckStatus
from backend.errors import Advice, Code, FairleadError
from backend.forwards.model import ForwardState, ForwardView
from backend.forwards.spec import read_forward
from backend.priority import Priority
from backend.requests.model import Request, RequestResult, RequestState, RunCommand
from tests.tui.conftest import settled
from tests.tui.fakes import NOW, FakeServices
from tui.app import WorkbenchApp, WorkbenchOptions
from tui.glyphs import ASCII, UNICODE, Glyphs


def _fill_forwards(services: FakeServices) -> None:
    error = FairleadError(Code.LOCAL_PORT, evidence={"place": "127.0.0.1:80", "reason": "permission denied"})
    views = (
        ForwardView(
            1,
            "web-1",
            read_forward("L 8080:db-2:5432"),
            ForwardState.LISTENING,
            NOW,
            places=("127.0.0.1:8080", "[::1]:8080"),
            port=8080,
            received=1_204_000,
            sent=48_120,
            open=3,
            total=14,
            refused=1,
            errors=1,
            last_error="db-2:5432: connection refused",
        ),
        ForwardView(2, "web-1", read_forward("L 80:localhost:80"), ForwardState.FAILED, NOW, error.message, error),
        ForwardView(3, "web-1", read_forward("R 9000:localhost:3000"), ForwardState.WAITING, NOW, "the host is away"),
    )
    services.forwards.open = {view.id: view for view in views}
    services.forwards.listed = (read_forward("D 1080"),)


def _fill_queue(services: FakeServices) -> None:
    def request(number: int, words: str, **details: Any) -> Request:
        usual: dict[str, Any] = {"priority": Priority.NORMAL, "deadline": None, "state": RequestState.WAITING}
        rest: dict[str, Any] = {"asked": NOW - timedelta(hours=2), "repeatable": False} | usual | details
        return Request(number=number, host="web-1", action=RunCommand(words.encode()), **rest)

    services.requests.kept = [
        request(4, "./reindex --all", priority=Priority.HIGH, deadline=NOW + timedelta(hours=3)),
        request(5, "systemctl reload nginx"),
        request(3, "./migrate 41", state=RequestState.UNKNOWN, attempts=1, ended=NOW - timedelta(minutes=9)),
        request(
            2,
            "make deploy",
            state=RequestState.DONE,
            attempts=1,
            ended=NOW - timedelta(minutes=50),
            result=RequestResult(exit_status=2),
        ),
    ]


def _fill_checks(services: FakeServices) -> None:
    services.sessions.get("web-1").become(SessionState.READY)
    fine = {CheckId.EXEC: "a command runs", CheckId.SHELL: "/bin/bash, Linux", CheckId.HOME: "/home/deploy"}
    services.verification.checks = [Check(id_, CheckStatus.PASS, words, 14.0) for id_, words in fine.items()]
    services.verification.checks += [
        Check(CheckId.SFTP, CheckStatus.PASS, "files can be reached", 31.0),
        Check(CheckId.WRITE, CheckStatus.PASS, "written, read back and removed", 62.0),
        Check(
            CheckId.SPACE,
            CheckStatus.WARN,
            "1.2 GB of 98.0 GB free",
            9.0,
            Code.SPACE_LOW,
            {"path": "/home/deploy"},
            (Advice("See what is large there.", "fairlead run web-1 -- du -xh /home/deploy"),),
        ),
        Check(CheckId.FORWARD, CheckStatus.PASS, "connections may be passed through", 19.0),
        Check(CheckId.CLOCK, CheckStatus.PASS, "+0.0 s (±0.1 s)", 88.0),
        Check(CheckId.MODULES, CheckStatus.SKIP, "no commands on this account", 0.0),
    ]


FILLS = {"f": _fill_forwards, "w": _fill_queue, "v": _fill_checks}


@pytest.mark.parametrize("key", FILLS)
def test_a_panel(services: FakeServices, size: tuple[int, int], key: str, snap_compare: Any) -> None:
    _picture(services, size, key, snap_compare, UNICODE)


def test_a_panel_in_plain_letters(services: FakeServices, snap_compare: Any) -> None:
    _picture(services, (80, 24), "f", snap_compare, ASCII)


def _picture(services: FakeServices, size: tuple[int, int], key: str, snap_compare: Any, glyphs: Glyphs) -> None:
    FILLS[key](services)

    async def look(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press(key)
        await settled(pilot)
        await pilot.app.workers.wait_for_complete()
        pilot.app.clear_notifications()
        await settled(pilot)

    app = WorkbenchApp(services.open, WorkbenchOptions(glyphs=glyphs))
    assert snap_compare(app, terminal_size=size, run_before=look)
