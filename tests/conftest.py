"""Nothing of the person who runs the tests leaks in: own home, no agent, fixed time zone and locale.

Also the guard for required tiers: see `tests.support.tiers`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.confusion import CONFUSION, table
from tests.support.tiers import required

settings.register_profile("fairlead", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fairlead")

_LEAKS = ("SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_ASKPASS", "DISPLAY", "NO_COLOR", "EDITOR", "COLUMNS", "LINES")

_KEPT = frozenset({"FAIRLEAD_REQUIRE", "TEXTUAL_SNAPSHOT_TEMPDIR"})
"""Ours, and the snapshot plugin's own."""


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names for home directories. (`mktemp` would look through all that are there for each new one.)"""
    root = tmp_path_factory.mktemp("homes")
    return (root / f"home{number}" for number in count())


@pytest.fixture(autouse=True)
def own_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home directory for each test."""
    home = next(homes)
    home.mkdir()
    for name in [*_LEAKS, *(name for name in os.environ if name.startswith(("FAIRLEAD_", "XDG_", "TEXTUAL")))]:
        if name not in _KEPT:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    yield home


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the fault table of the diagnostics came to, where it was run."""
    reports = [one for each in terminalreporter.stats.values() for one in each if isinstance(one, pytest.TestReport)]
    told = [pair for one in reports if one.when == "call" for pair in one.user_properties]
    rows = [value for name, value in told if name == CONFUSION and isinstance(value, (tuple, list))]
    if rows:
        terminalreporter.section("diagnoses: what a host has, and what was found")
        terminalreporter.write("\n".join([*table(rows), ""]))


_outcomes: Counter[tuple[str, str]] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.skipped or report.failed:
        for tier in required():
            if tier in report.keywords:
                _outcomes[(tier, report.outcome)] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    whole_run = not session.config.option.file_or_dir
    for tier in sorted(required()):
        passed, skipped = _outcomes[(tier, "passed")], _outcomes[(tier, "skipped")]
        if skipped or (whole_run and not passed):
            print(f"\nthe {tier} tier is required: {passed} passed, {skipped} skipped")  # noqa: T201
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
