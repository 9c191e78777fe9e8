"""What became of a sync over all its rounds: counts, what still differs and why, what a person should know."""

from __future__ import annotations

from backend.connection.connector import FileKind
from backend.errors import Advice, Code, FairleadError, FileError
from backend.files.ledger import MOST_LISTED
from backend.files.model import ItemNote, ItemProblem, TransferOutcome
from backend.files.sync.apply import Applied
from backend.files.sync.compare import Plan
from backend.files.sync.model import CARRIED, Action, Counts, Do, Reason, SyncOutcome
from backend.files.sync.rounds import Remaining
from backend.text import show_bytes

_AS_LOOKED_AT = (Do.KEEP, Do.EXTRA, Do.EXCLUDE, Do.SKIP, Do.BLOCK)
_DONE_BY_COMPARISON = (Do.MAKE, Do.ADJUST)
"""Counted as planned, less what the next comparison finds undone."""


class Account:
    """Keeps account of one sync."""

    def __init__(self) -> None:
        self.rounds = 0
        self.failed = 0
        self.files = 0
        self.bytes = 0
        self.done = Counts()
        self._sent = self._resumed = self._verified = 0
        self._errors: dict[bytes | str, FairleadError] = {}
        """By goal path, or by the words for a source's; from the last round."""
        self._problems: list[ItemProblem] = []
        self._notes: list[ItemNote] = []

    @property
    def deleted(self) -> int:
        return self.done.deletions

    def note(self, path: str, text: str) -> None:
        note = ItemNote(path, text)
        if note not in self._notes and len(self._notes) < MOST_LISTED:
            self._notes.append(note)

    def look(self, plan: Plan, remaining: Remaining) -> None:
        """The trees were compared."""
        for do in _DONE_BY_COMPARISON:
            self.done.of[do] -= remaining.again[do]
        for do in _AS_LOOKED_AT:
            self.done.of[do] = plan.counts.of[do]
        for remark in plan.remarks:
            self.note(source_of(plan), remark)

    def carried(self, outcome: TransferOutcome) -> None:
        """A copy has ended."""
        progress = outcome.progress
        self.files += progress.files_done
        self.bytes += progress.bytes_done
        self._sent += progress.sent_bytes
        self._resumed += progress.resumed_bytes
        self._verified += progress.verified
        self._errors = {one.path: one.error for one in outcome.problems if one.error is not None}
        for note in outcome.notes:
            self.note(note.path, note.note)

    def applied(self, plan: Plan, wanted: Counts, applied: Applied) -> None:
        """A round has ended, or ended early: then what was made is not known."""
        self.rounds += 1
        self.done.of[Do.DELETE] += applied.deleted
        self.done.deleted_bytes += applied.deleted_bytes
        if applied.complete:
            for do in _DONE_BY_COMPARISON:
                self.done.of[do] += wanted.of[do]
        self._errors |= {plan.roots.goal_path(parts): error for parts, error in applied.failures.items()}
        for note in applied.notes:
            self.note(note.path, note.note)

    def conclude(self, plan: Plan, remaining: Remaining) -> list[ItemProblem]:
        """What still differs, or could not be looked at."""
        self.failed = plan.failed + remaining.count
        problems = [*plan.problems, *(self._problem(plan, action) for action in remaining.listed)]
        self._problems = problems[:MOST_LISTED]
        return self._problems

    def _problem(self, plan: Plan, action: Action) -> ItemProblem:
        roots = plan.roots
        goal = roots.goal_path(action.parts)
        path = show_bytes(roots.source_path(action.parts) if action.do in CARRIED else goal)
        error = self._errors.get(goal) or self._errors.get(path) or self._errors.get(show_bytes(goal))
        if error is None:
            error = in_the_way(action, show_bytes(goal)) if action.do is Do.BLOCK else _undone(action, path)
        return ItemProblem(path, error, error.message)

    def outcome(self, seconds: float, error: FairleadError | None) -> SyncOutcome:
        return SyncOutcome(
            done=self.done,
            seconds=seconds,
            rounds=self.rounds,
            files=self.files,
            bytes=self.bytes,
            sent_bytes=self._sent,
            resumed_bytes=self._resumed,
            verified=self._verified,
            failed=self.failed,
            problems=tuple(self._problems),
            notes=tuple(self._notes),
            error=error,
        )


def source_of(plan: Plan) -> str:
    """The source, for people."""
    return show_bytes(plan.roots.source_path(plan.roots.prefix))


def in_the_way(action: Action, path: str) -> FileError:
    """What is told of a name that something of another kind has."""
    if action.reason is Reason.OTHER_KIND:
        code = Code.IS_DIRECTORY if action.was is FileKind.DIRECTORY else Code.EXISTS
        there, wanted = _KINDS.get(action.was, "something else"), _KINDS.get(action.kind, "it")
        message = f"{path}: {there} has the name of {wanted}."
        advice = (Advice("--force (or --delete) removes what is in the way."),)
        return FileError(code, message, evidence={"path": path}, advice=advice)
    reason = "a rule excludes it" if action.reason is Reason.RULE else "it holds what is never deleted"
    return FileError(
        Code.EXISTS,
        f"{path}: what is there is of another kind and stays, for {reason}.",
        evidence={"path": path},
        advice=(Advice("Move it away, or change the rule."),),
    )


def _undone(action: Action, path: str) -> FileError:
    if action.do is Do.ADJUST:
        message = f"{path}: the mode or time that it is given does not hold there."
        advice = (Advice("File systems without POSIX modes (FAT, SMB) keep neither; the content is the same."),)
        return FileError(Code.FILE_FAILED, message, evidence={"path": path}, advice=advice)
    return FileError(Code.SOURCE_CHANGED, f"{path} still differs: {action.reason}.", evidence={"path": path})


_KINDS: dict[FileKind | None, str] = {
    FileKind.FILE: "a file",
    FileKind.DIRECTORY: "a directory",
    FileKind.SYMLINK: "a symbolic link",
    FileKind.SPECIAL: "a special file",
}
