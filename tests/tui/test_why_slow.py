"""Why is it slow, in the workbench: live steps, the sentence at the top, limits and bars, stop and copy."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.pilot import Pilot

from backend.connection.target import Algorithms
from backend.diagnostics.remedies.model import RemedyId
from backend.diagnostics.remedies.slow import remedied
from backend.diagnostics.slowness.judge import judge
from backend.diagnostics.slowness.report import LimitKind
from backend.diagnostics.slowness.values import (
    Lane,
    Measurements,
    PhaseTime,
    Progress,
    Step,
    StepStatus,
    Transfer,
    Way,
)
from backend.errors import AuthError, Code
from screenshots.scene import Scene
from tests.support.scripted import hop
from tests.tui.conftest import DemoApp, FakeApp, settled, shown
from tests.tui.fakes import FakeServices
from tests.tui.test_remedies import armed
from tests.unit.diagnostics.test_slowness_judge import CASES
from tui.prompts.slow import SlowPanel

FAR = judge(
    Measurements(
        "web-1",
        phases=(PhaseTime("web-1", "tcp", 0.6), PhaseTime("web-1", "auth", 1.2)),
        pings=(0.62,) * 10,
        commands=(1.3,) * 4,
        transfers=(Transfer(Way.UP, Lane.SFTP, 20 << 20, 6.0, 3.3e6, 0.9, 2 << 20, 0.02),),
        missing={"disk": "the host runs no commands"},
    )
)


def _words(pilot: Pilot[Any]) -> str:
    return " ".join(shown(pilot).replace("│", " ").split())


async def measured(scene: Scene, pilot: Pilot[Any]) -> None:
    """Let the simulated world go on until the answer is there: with care while threads take part in the login, then in
    long strides."""
    panel = pilot.app.screen
    assert isinstance(panel, SlowPanel)
    await scene.settle(pilot, until=lambda: Step.ROUND_TRIP in panel.steps)
    async with asyncio.timeout(60):
        while panel.report is None:
            await scene.clock.advance(0.5)
            await pilot.pause()
    await scene.picture(pilot)


async def _opened(pilot: Pilot[Any]) -> None:
    await pilot.press("4", "w")
    await settled(pilot)


async def test_the_sentence_the_arithmetic_and_the_bars_are_there(fake_app: FakeApp, services: FakeServices) -> None:
    services.slowness.items = [FAR]
    async with fake_app() as pilot:
        await _opened(pilot)
        text = _words(pilot)
        assert "Uploads stop at 3.3 MB/s: a window of 2 MiB over a round trip of 620 ms allows" in text
        assert "window and distance" in text
        assert "also the distance: web-1 is far away" in text
        assert "measured 3.3 MB/s" in text
        assert "do next" in text
        lines = shown(pilot).splitlines()
        tcp, auth = (next(line for line in lines if f" {name} " in line and "━" in line) for name in ("tcp", "auth"))
        assert abs(auth.count("━") - 2 * tcp.count("━")) <= 1
        assert any("disk" in line and "not known" in line and "runs no commands" in line for line in lines)
        assert "certain to 95 %" in text


async def test_every_limit_and_figure_can_be_read(fake_app: FakeApp, services: FakeServices) -> None:
    services.slowness.items = [FAR]
    async with fake_app() as pilot:
        await _opened(pilot)
        await pilot.press("down")
        await settled(pilot)
        assert "every step waits for a round trip of 620 ms." in _words(pilot)
        await pilot.press("end")
        await settled(pilot)
        assert "the host runs no commands" in _words(pilot)


async def test_steps_are_shown_as_they_go_and_can_be_stopped(fake_app: FakeApp, services: FakeServices) -> None:
    slowness = services.slowness
    slowness.items = [
        Progress(Step.LOGIN, StepStatus.DONE, "133 ms"),
        Progress(Step.ROUND_TRIP, StepStatus.RUNNING, "3 of 10"),
        FAR,
    ]
    slowness.pause_after = 2
    async with fake_app() as pilot:
        await pilot.press("4", "w")
        for _ in range(3):
            await pilot.pause()
        text = shown(pilot)
        assert "✓ login              133 ms" in text
        assert "◐ round trip         3 of 10" in text
        assert "· disk" in text
        assert "2 of 10" in text
        await pilot.press("x")
        await settled(pilot)
        assert slowness.closed == 1
        assert "Stopped." in shown(pilot)
        slowness.pause_after = None
        await pilot.press("r")
        await settled(pilot)
        assert "Uploads stop at 3.3 MB/s" in _words(pilot)


async def test_leaving_stops_the_measurement(fake_app: FakeApp, services: FakeServices) -> None:
    services.slowness.items = [Progress(Step.LOGIN, StepStatus.RUNNING), FAR]
    services.slowness.pause_after = 1
    async with fake_app() as pilot:
        await pilot.press("4", "w")
        await pilot.pause()
        assert isinstance(pilot.app.screen, SlowPanel)
        await pilot.press("escape")
        await settled(pilot)
        assert services.slowness.closed == 1


async def test_a_login_that_fails_says_why(fake_app: FakeApp, services: FakeServices) -> None:
    services.slowness.failure = AuthError(Code.AUTH_DENIED, host="web-1", evidence={"offered": "password"})
    async with fake_app() as pilot:
        await _opened(pilot)
        assert "AUTH_DENIED" in shown(pilot)


async def test_the_answer_can_be_copied(fake_app: FakeApp, services: FakeServices) -> None:
    services.slowness.items = [FAR]
    async with fake_app() as pilot:
        await _opened(pilot)
        await pilot.press("c")
        await settled(pilot)
        copied = pilot.app.clipboard
        assert copied.startswith("Uploads stop at 3.3 MB/s")
        assert "auth" in copied
        assert "fairlead put FILES" in copied


async def test_a_slow_cipher_is_replaced_after_a_question_and_measured_again(
    fake_app: FakeApp, services: FakeServices
) -> None:
    at = hop("web-1", algorithms=Algorithms(ciphers="3des-cbc"))
    services.slowness.items = [remedied(judge(CASES[LimitKind.CIPHER]), at, ("aes128-gcm@openssh.com", "3des-cbc"))]
    async with fake_app() as pilot:
        await _opened(pilot)
        assert "f  do it and measure again" in shown(pilot)
        assert "f do it" in _words(pilot)
        await pilot.press("f")
        await settled(pilot)
        assert 'ciphers = "aes128-gcm@openssh.com,3des-cbc"' in _words(pilot)
        assert services.remedies.applied == []
        services.slowness.items = [FAR]
        await armed(pilot, "y")
        assert [remedy.id for remedy, _ in services.remedies.applied] == [RemedyId.QUICK_CIPHER]
        assert services.slowness.closed == 2
        assert "Uploads stop at 3.3 MB/s" in _words(pilot)
        assert "f do it" not in _words(pilot)
        assert "before: " in _words(pilot), "so that it can be seen whether it helped"
        await pilot.press("r")
        await settled(pilot)
        assert "before: " not in _words(pilot)


async def test_markup_of_a_host_is_text(fake_app: FakeApp, services: FakeServices) -> None:
    services.slowness.items = [
        judge(Measurements("[red]web[/red]", pings=(0.5,), missing={"disk": "\x1b[31m[bold]no"}))
    ]
    async with fake_app() as pilot:
        await _opened(pilot)
        text = shown(pilot)
        assert "[red]web[/red] is far away" in text
        assert "[bold]no" in text


async def test_the_far_host_of_the_demo_is_said_to_have_a_slow_line(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        scene.world["web-1"].network = type(scene.world["web-1"].network)(round_trip=0.02, rate=1.2e6)
        await pilot.press("4", "w")
        await measured(scene, pilot)
        assert "stop at 1.2 MB/s, steadily: the network on the way carries no" in _words(pilot)
