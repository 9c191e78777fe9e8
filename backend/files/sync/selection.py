"""What of a plan is done, when a person has left out some of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from backend.connection.connector import FileKind
from backend.dataclass import dataclass
from backend.files.lane import Parts
from backend.files.sync.model import CHANGES, Action, Approval, Do, Reason


@dataclass(frozen=True, slots=True)
class Selection:
    """Which actions are done."""

    approval: Approval = field(default_factory=Approval)
    displaced: frozenset[Parts] = frozenset()
    """Directories that cannot be made, for what is in their way stays."""
    _above: frozenset[Parts] = field(init=False, repr=False)
    """Every directory that holds something left out."""

    def __post_init__(self) -> None:
        above = {parts[:depth] for parts in self.approval.left_out for depth in range(len(parts))}
        object.__setattr__(self, "_above", frozenset(above))

    def deletes_in(self, action: Action) -> bool:
        """Whether something in a directory may be deleted, the directory itself or not."""
        return self.approval.delete and not _within(action.parts, self.approval.left_out)

    def wants(self, action: Action) -> bool:
        """Whether `action`, which changes something, is done."""
        if action.do is Do.DELETE:
            holds = action.kind is FileKind.DIRECTORY and action.parts in self._above
            return self.approval.delete and not holds and not _within(action.parts, self.approval.left_out)
        if action.do not in CHANGES or _within(action.parts, self.approval.left_out):
            return False
        if action.was is FileKind.DIRECTORY and depends(action) and action.parts in self._above:
            return False  # something in the directory that is in the way is to stay
        return self.approval.delete or not (depends(action) or _within(action.parts, self.displaced))


def depends(action: Action) -> bool:
    """Whether something has to be deleted before."""
    directory = FileKind.DIRECTORY in (action.kind, action.was)
    return action.reason is Reason.OTHER_KIND and directory


def displaced(actions: Iterable[Action]) -> set[Parts]:
    """Directories among `actions` that have to wait for a deletion."""
    return {one.parts for one in actions if one.kind is FileKind.DIRECTORY and depends(one)}


def _within(parts: Parts, tops: frozenset[Parts]) -> bool:
    return bool(tops) and any(parts[:depth] in tops for depth in range(1, len(parts) + 1))
