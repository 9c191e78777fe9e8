"""Reports at a time that stands still: one of a broken chain, one of a host that is well. `python -m` writes the files.

Look at what changed before it is kept.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from backend.connection.vault import Vault
from backend.diagnostics.checks import Check, CheckId, CheckStatus
from backend.diagnostics.remedies.case import Case
from backend.diagnostics.remedies.derive import remedies_for
from backend.diagnostics.remedies.model import Remedy, RemedyId
from backend.diagnostics.rungs import Diagnosis, Rung, RungId, RungStatus
from backend.diagnostics.server_side.causes import Cause
from backend.diagnostics.server_side.findings import ServerSide, finding
from backend.diagnostics.slowness.report import Limit, LimitKind, SlowReport
from backend.diagnostics.slowness.values import Measurements, PhaseTime
from backend.errors import Advice, AuthError, Code
from backend.health.deep.values import DeepCheck, Level, Reading
from backend.health.history.values import Point
from backend.health.trends.values import Trend, TrendKind
from backend.health.values import Failure, FailureKind, LatencyHour, LatencySample, SshHealth
from backend.reports.model import Report
from backend.reports.program import ProgramFacts
from backend.reports.redaction import Redactor
from backend.reports.rendering import Format, rendered
from tests.support.scripted import hop

NOW = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
PROGRAM = ProgramFacts("0.1.0", "3.11.7", "Linux-6.1", {"asyncssh": "2.24.1"})
GOLDEN = Path(__file__).with_name("golden")

DENIED = AuthError(
    Code.AUTH_DENIED, host="app", hop="bastion", evidence={"tried": "publickey", "offered": "publickey,password"}
)

AT = hop("bastion", identity_files=(Path("/keys/id"),))
"""The machine at fault."""


def _remedy(code: Code, wanted: RemedyId, **evidence: str) -> Remedy:
    case = Case(AuthError(code, host="app", hop="bastion", evidence=evidence), "app", AT)
    return next(one for one in remedies_for(case) if one.id is wanted)


CHOOSE = _remedy(Code.AUTH_DENIED, RemedyId.CHOOSE_KEY)
OPEN = _remedy(Code.AUTH_KEY_PERMISSIONS, RemedyId.FIX_MODE, path="/keys/id", mode="0644")
AGENT = _remedy(Code.AUTH_NO_METHOD, RemedyId.START_AGENT)


def broken() -> Report:
    """The login at a jump host is refused."""
    rungs = (
        Rung(RungId.CONFIG, RungStatus.PASS, "app", summary="config.toml:4", ms=1.2),
        Rung(RungId.NAME, RungStatus.PASS, "bastion", summary="10.0.4.7:22", ms=3.0),
        Rung(RungId.BANNER, RungStatus.WARN, "bastion", summary="OpenSSH_5.3", advice=(Advice("Update the server."),)),
        Rung(
            RungId.AUTH,
            RungStatus.FAIL,
            "bastion",
            DENIED.code,
            "refused",
            40.0,
            DENIED.evidence,
            (CHOOSE.told, OPEN.told, AGENT.told, *DENIED.advice),
            DENIED,
            (CHOOSE, OPEN, AGENT),
        ),
        Rung(RungId.TCP, RungStatus.SKIP, "app"),
    )
    return Report(
        host="app",
        made_at=NOW,
        program=PROGRAM,
        diagnosis=Diagnosis("app", rungs),
        server_side=story(),
        checks=(),
        health=SshHealth("app"),
    )


def story(words: str = "/home/me") -> ServerSide:
    """A directory that others may write to; `words` is its path and what the log says."""
    said = finding(Cause.PATH_MODE, logged=True, path=words, mode="0777", user="me", log=words)
    return ServerSide("app", "root@bastion", "me", "root", (said,), (f"bad ownership or modes: {words}",), ("SELinux",))


def well() -> Report:
    """Everything works; little room is left; there is a history."""
    rungs = tuple(Rung(one, RungStatus.PASS, "web-1", summary=f"{one} found", ms=4.0) for one in RungId)
    checks = (
        Check(CheckId.EXEC, CheckStatus.PASS, "a command runs", 23.4),
        Check(CheckId.SPACE, CheckStatus.WARN, "9.7 GB free", 30.0, Code.SPACE_LOW, {"path": "/home"}),
        Check(CheckId.MODULES, CheckStatus.SKIP, "none", 1.0),
    )
    return Report(
        host="web-1",
        made_at=NOW,
        program=PROGRAM,
        diagnosis=Diagnosis("web-1", rungs),
        checks=checks,
        slow=slow(),
        deep=inside(),
        trends=(FILLING,),
        courses={FILLING.metric: COURSE},
        health=history(),
    )


def slow(words: str = "The window allows 2 MB at a time.") -> SlowReport:
    """The window limits it; `words` is what is said."""
    seen = Measurements(
        "web-1", phases=(PhaseTime("web-1", "tcp", 0.02),), first_command=0.1, missing={"disk": f"no room: {words}"}
    )
    limit = Limit(
        LimitKind.WINDOW, words, "2 MB in 100 ms are 20 MB/s", 3.0, 0.9, (Advice("Use several streams.", "x"),)
    )
    return SlowReport("web-1", seen, (limit,), (f"seen: {words}",))


def inside(words: str = "/ is 93 % full.") -> DeepCheck:
    """A disk is filling; `words` is what is said of it."""
    readings = (
        Reading("load.5m", 0.5, "", Level.OK, "Load 0.5."),
        Reading("disk./.used_ratio", 0.93, "ratio", Level.WARN, words),
        Reading("temperature.max", None, "celsius", Level.UNKNOWN, "Not told.", is_optional=True),
        Reading("pressure.io", None, "ratio", Level.UNKNOWN, "Not told."),
    )
    problems, units = (f"df: {words}",), (f"{words}.service",)
    return DeepCheck("web-1", NOW, 0.2, readings, problems, "boot", True, "Linux 6.1", units)


FILLING = Trend(
    TrendKind.FILL,
    "disk./.used_ratio",
    "/ is full on 6 Mar (±1 day).",
    ("It grew by 1 % a day.", "It has not fallen."),
    Level.WARN,
    "/ full on 6 Mar",
    NOW + timedelta(days=4),
    timedelta(days=1),
    0.99,
    NOW - timedelta(days=28),
)
COURSE = tuple(
    Point(NOW.timestamp() - day * 86_400, 0.9 - day / 100, 0.91 - day / 100, 0.92, 24) for day in (3, 2, 1, 0)
)


def history() -> SshHealth:
    hours = tuple(
        LatencyHour(NOW - timedelta(hours=30 - hour), 6, 0.010, 0.012 + hour / 10_000, 0.030 + hour / 1000)
        for hour in range(30)
        if hour not in range(10, 16)
    )
    return SshHealth(
        "web-1",
        since=NOW - timedelta(days=40),
        successes=120,
        failures=4,
        losses=2,
        reconnects=2,
        connected_seconds=7200.0,
        last_success=NOW - timedelta(hours=1),
        last_failure=Failure(NOW - timedelta(days=2), "TCP_TIMEOUT", "bastion"),
        window_successes=96,
        window_failures=4,
        kinds=(FailureKind("TCP_TIMEOUT", 4), FailureKind("CONNECTION_LOST", 2)),
        recent=(LatencySample(NOW, 0.0151),),
        hours=hours,
    )


EXAMPLES = {"broken": broken, "well": well}


def text_of(name: str, form: Format) -> str:
    return rendered(EXAMPLES[name](), form, Redactor(Vault()))


def golden(name: str, form: Format) -> Path:
    return GOLDEN / f"{name}.{form.value}"


if __name__ == "__main__":
    for each in EXAMPLES:
        for one in Format:
            golden(each, one).write_text(text_of(each, one), encoding="utf-8")
