"""How a command ended, judged from the signs. Pure; a silence is never taken for success."""

from __future__ import annotations

import asyncio

from backend.connection.connector import ExitReport
from backend.errors import Code, FairleadError, Interrupted, LinkLost


def judge(report: ExitReport, host: str) -> ExitReport:
    """A report that says something; silence is no success."""
    if report.status is None and report.signal is None:
        reason = "it closed the command's channel without saying how the command ended"
        raise LinkLost(Code.SERVER_ENDED, evidence={"reason": reason}, host=host)
    return report


def known_end(*signs: asyncio.Task[ExitReport]) -> tuple[str, ExitReport | None]:
    """What the signs say about the end of a process that was told to stop."""
    done = [sign for sign in signs if sign.done()]
    failures = [failure for failure in (sign.exception() for sign in done) if failure is not None]
    reports = [sign.result() for sign in done if sign.exception() is None]
    for report in reports:
        if report.status is not None or report.signal is not None:
            return "ended", report
    if any(isinstance(failure, LinkLost) for failure in failures):
        return "unknown: the connection was lost", None
    return "unknown: it did not confirm", None


def with_remote(reason: FairleadError, remote: str, report: ExitReport | None = None) -> FairleadError:
    """The same error with the evidence of what became of the process."""
    evidence = {**reason.evidence, "remote": remote}
    if report is not None:
        evidence["exit"] = f"signal {report.signal}" if report.signal is not None else f"status {report.status}"
    return type(reason)(reason.code, evidence=evidence, host=reason.host)


def unknown_end(host: str, why: str) -> FairleadError:
    return Interrupted(Code.INTERRUPTED, evidence={"remote": f"unknown: {why}"}, host=host)
