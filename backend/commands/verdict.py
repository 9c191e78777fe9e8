"""How a command ended, judged from the signs. Pure; a silence is never taken for success."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from backend.connection.connector import ExitReport
from backend.errors import Advice, Code, FairleadError, FileError, Interrupted, LinkLost

NOT_STARTED = "not started"
ENDED = "ended"
"""Evidence `remote` of a command that was stopped: nothing of it is left on the host."""
MAY_HAVE_STARTED = "unknown: it may have been started"
"""The same, where the host was asked to start it and had not answered."""


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
            return ENDED, report
    if any(isinstance(failure, LinkLost) for failure in failures):
        return "unknown: the connection was lost", None
    return "unknown: it did not confirm", None


def with_remote(reason: FairleadError, remote: str, report: ExitReport | None = None) -> FairleadError:
    """The same error with the evidence of what became of the process."""
    evidence = {**reason.evidence, "remote": remote}
    if report is not None:
        evidence["exit"] = f"signal {report.signal}" if report.signal is not None else f"status {report.status}"
    kind, advice = type(reason), _advice(reason, evidence)
    return kind(reason.code, reason.message, evidence=evidence, host=reason.host, advice=advice)


def _advice(reason: FairleadError, evidence: Mapping[str, str]) -> tuple[Advice, ...]:
    """The catalogue's own; where the end is not confirmed, also where to look."""
    filled = type(reason)(reason.code, evidence=evidence, host=reason.host)
    own = reason.advice if isinstance(reason, FileError) else filled.advice
    if evidence["remote"] in (ENDED, NOT_STARTED):
        return own
    return (
        *own,
        Advice("What it started may still run on the host: look for it there. With --pty it ends for certain."),
    )


def unknown_end(host: str, why: str) -> FairleadError:
    """The outcome of a command that was let go of."""
    return with_remote(Interrupted(Code.INTERRUPTED, host=host), f"unknown: {why}")


def unreadable_input(host: str, reason: str) -> FileError:
    """Why a command was stopped whose input broke off."""
    problem = f"The command's input could not be read to its end: {reason}"
    advice = (Advice("Mend the input, then give the same command again."),)
    return FileError(Code.FILE_FAILED, problem, evidence={"reason": reason}, host=host, advice=advice)
