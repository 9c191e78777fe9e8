"""The health of a host on the screens: the line below the ladder, its history, plots, and looking into it now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.connection.state import SessionState
from backend.errors import Code, ConfigError, SessionError
from backend.health.deep.values import DeepCheck, DeepChecked, Level, Reading
from backend.health.history.values import Point
from backend.health.trends.values import Trend, TrendKind
from tests.tui.conftest import DemoApp, FakeApp, settled, shown
from tests.tui.fakes import NOW, FakeServices
from tui.glyphs import ASCII
from tui.prompts.failure import FailurePrompt
from tui.prompts.reading_plot import ReadingPlot
from tui.prompts.readings import ReadingsPanel

DISK = "disk./.used_ratio"
FULL = Trend(
    TrendKind.FILL,
    DISK,
    "/ is full on 12 Mar (±4 days): it grew by 1.2 GB a day over the last 9 days",
    ("It is at 83 % of its limit now.", "It has not fallen in all that time."),
    Level.WARN,
    "/ full on 12 Mar (±4 days)",
    NOW + timedelta(days=10),
    timedelta(days=4),
    0.999,
)


def a_check(host: str, level: Level = Level.OK) -> DeepCheck:
    return DeepCheck(
        host,
        NOW,
        0.2,
        (
            Reading("load.5m", 0.71, "", Level.OK, "Load 0.71 over 5 min."),
            Reading(DISK, 0.83, "ratio", level, "/ is 83 % full: 18.0 GB of 106.0 GB are free."),
        ),
    )


def a_filling_disk() -> tuple[Point, ...]:
    """Nine days, an hour apart."""
    first = NOW.timestamp() - 9 * 86400
    levels = [0.72 + 0.11 * hour / 216 for hour in range(217)]
    return tuple(Point(first + 3600 * i, one - 0.002, one, one + 0.002, 12) for i, one in enumerate(levels))


@pytest.fixture
def ailing(services: FakeServices) -> FakeServices:
    """web-1's disk fills, and it was looked into."""
    services.metric_history.kept["web-1"] = {DISK: a_filling_disk()}
    services.metric_history.checks["web-1"] = a_check("web-1")
    services.trends.known["web-1"] = (FULL,)
    return services


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


async def test_below_the_ladder_stands_what_matters(fake_app: FakeApp, ailing: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("4")
        await settled(pilot)
        assert "health ⚠ / full on 12 Mar (±4 days) load 0.7" in words(shown(pilot))


async def test_a_host_without_a_past_has_no_such_line(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("4")
        await settled(pilot)
        assert "health" not in shown(pilot)


async def test_the_line_follows_the_host_and_what_is_found(fake_app: FakeApp, ailing: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("4", "ctrl+o")
        await settled(pilot)
        await pilot.press(*"gpu", "enter")
        await settled(pilot)
        assert "full on" not in shown(pilot)
        ailing.metric_history.checks["gpu-7"] = a_check("gpu-7")
        ailing.bus.publish(DeepChecked("gpu-7", a_check("gpu-7")))
        await settled(pilot)
        assert "health load 0.7" in words(shown(pilot))


async def test_the_connections_screen_tells_what_was_found_inside_and_what_is_ahead(
    fake_app: FakeApp, ailing: FakeServices
) -> None:
    ailing.metric_history.checks["web-1"] = a_check("web-1", Level.WARN)
    async with fake_app() as pilot:
        text = words(shown(pilot))
        assert "inside ⚠ disk / looked into just now" in text
        assert "ahead ⚠ / full on 12 Mar (±4 days)" in text


@pytest.mark.parametrize("keys", [("1", "H"), ("4", "h")])
async def test_h_opens_the_history_with_reasons(fake_app: FakeApp, ailing: FakeServices, keys: tuple[str, str]) -> None:
    async with fake_app() as pilot:
        await pilot.press(*keys)
        await settled(pilot)
        assert isinstance(pilot.app.screen, ReadingsPanel)
        text = words(shown(pilot))
        assert "✓ disk /" in text
        assert "83 % ⚠ / full on 12 Mar (±4 days)" in text
        assert "it grew by 1.2 GB a day over the last 9 days." in text
        assert "· It has not fallen in all that time." in text
        assert "2 readings · 1 trend" in text
        await pilot.press("escape")
        await settled(pilot)
        assert not pilot.app.screen.is_modal


async def test_a_host_without_a_past_says_how_one_comes_about(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("4", "h")
        await settled(pilot)
        text = words(shown(pilot))
        assert "Nothing is known of web-1 yet. r looks into it now" in text
        assert '[hosts."web-1"] health = { watch = true }' in text


async def test_a_history_that_cannot_be_read_says_why(fake_app: FakeApp, services: FakeServices) -> None:
    services.metric_history.failure = ConfigError(Code.CONFIG_INVALID, "The state file cannot be used: it is damaged")
    async with fake_app() as pilot:
        await pilot.press("4", "h")
        await settled(pilot)
        text = words(shown(pilot))
        assert "it is damaged" in text
        assert "Nothing is known" not in text


async def test_r_looks_into_the_host_and_shows_what_it_found(fake_app: FakeApp, services: FakeServices) -> None:
    services.deep_checks.found = a_check
    services.deep_checks.answer.clear()
    async with fake_app() as pilot:
        await pilot.press("4", "h")
        await settled(pilot)
        await pilot.press("r", "r")
        await pilot.pause()
        assert "looking into it…" in shown(pilot)
        services.deep_checks.answer.set()
        await settled(pilot)
        await pilot.pause()
        assert services.deep_checks.asked == ["web-1"], "a second r does not look twice"
        text = words(shown(pilot))
        assert "✓ disk /" in text
        assert "Load 0.71 over 5 min." in text
        assert "looking into it" not in text


async def test_r_says_why_nothing_can_be_checked_while_the_link_is_restored(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.deep_checks.found = a_check
    services.deep_checks.answer.clear()
    session = services.sessions.get("web-1")
    session.become(SessionState.READY)
    session.become(SessionState.RECONNECTING, reason="lost", attempt=1, retry_in=4)
    async with fake_app((80, 24)) as pilot:
        await pilot.press("4", "h")
        await settled(pilot)
        await pilot.press("r")
        for _ in range(3):
            await pilot.pause()
        text = words(shown(pilot))
        told = [notification.message for notification in pilot.app._notifications]
        assert any("Nothing can be checked now: the link was lost, attempt 2 in 4 s." in one for one in told)
        assert "waits: the link was lost, attempt 2 in 4 s" in text
        session.become(SessionState.READY)
        services.deep_checks.answer.set()
        await settled(pilot)
        assert "Load 0.71 over 5 min." in words(shown(pilot)), "it is looked into when it is back"


async def test_one_reading_is_counted_as_one(fake_app: FakeApp, services: FakeServices) -> None:
    services.deep_checks.found = lambda host: replace(a_check(host), readings=a_check(host).readings[:1])
    async with fake_app() as pilot:
        await pilot.press("4", "h")
        await settled(pilot)
        await pilot.press("r")
        await settled(pilot)
        assert "1 reading ─" in words(shown(pilot))


async def test_a_look_that_fails_is_told(fake_app: FakeApp, services: FakeServices) -> None:
    services.deep_checks.failure = SessionError(Code.NO_ANSWER, host="web-1")
    async with fake_app() as pilot:
        await pilot.press("4", "h")
        await settled(pilot)
        await pilot.press("r")
        await settled(pilot)
        assert isinstance(pilot.app.screen, FailurePrompt)
        assert "NO_ANSWER" in shown(pilot)


async def test_enter_plots_a_reading_over_the_chosen_time(fake_app: FakeApp, ailing: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("4", "h")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ReadingPlot)
        text = shown(pilot)
        assert "disk / on web-1" in text
        assert "last month · 83 % now" in text
        assert "25 Feb" in text
        assert any("⠀" < letter <= "⣿" for letter in text)
        await pilot.press("w")
        await settled(pilot)
        text = shown(pilot)
        assert "last week" in text
        assert "Sat" in text
        await pilot.press("o")
        await settled(pilot)
        assert "last hour" in shown(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ReadingsPanel)


async def test_a_time_in_which_nothing_was_read_says_so(fake_app: FakeApp, ailing: FakeServices) -> None:
    ailing.metric_history.kept["web-1"] = {DISK: a_filling_disk()[:20]}
    async with fake_app() as pilot:
        await pilot.press("4", "h")
        await settled(pilot)
        await pilot.press("enter", "d")
        await settled(pilot)
        assert "Nothing was read in the last day. A longer range may show some." in words(shown(pilot))


async def test_without_utf8_the_plot_is_of_letters(fake_app: FakeApp, ailing: FakeServices) -> None:
    async with fake_app((80, 24)) as pilot:
        pilot.app.push_screen(ReadingPlot("web-1", _row(), ailing, ASCII))  # type: ignore[arg-type]
        await settled(pilot)
        text = shown(pilot)
        assert "*" in text
        assert "(+/-4 days)" in text
        assert not any("⠀" < letter <= "⣿" for letter in text)


def _row() -> object:
    from tui.health.table import ReadingRow

    return ReadingRow(DISK, a_filling_disk(), 0.83, Level.OK, "", FULL)


async def test_in_the_demo_world_a_disk_fills_and_the_way_to_another_host_is_slower(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        await pilot.press("4", "h")
        await scene.settle(pilot)
        await scene.picture(pilot)
        assert "/ full on 22 Mar" in words(shown(pilot))
        trends = await scene.app.services.trends.of("mirror-au")
        assert [one.kind for one in trends] == [TrendKind.SHIFT]
        assert await scene.app.services.trends.of("bastion") == ()


async def test_in_the_demo_world_a_look_into_a_host_is_judged(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await scene.connect(pilot, "web-1")
        await pilot.press("H")
        await scene.settle(pilot)
        await pilot.press("r")
        await scene.settle(pilot, until=lambda: "looking into it" not in shown(pilot))
        await scene.picture(pilot)
        text = words(shown(pilot))
        assert "✓ disk /" in text
        assert "/ is 83 % full: 19.3 GB of 113.8 GB are free." in text
