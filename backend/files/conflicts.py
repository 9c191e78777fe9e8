"""What to do when a name is taken: a pure decision."""

from __future__ import annotations

from enum import Enum

from backend.connection.connector import Attributes, FileKind
from backend.errors import Code, FileError
from backend.files.model import ConflictPolicy
from backend.text import show_bytes


class Decision(Enum):
    """What becomes of an item."""

    COPY = "copy"
    SKIP_EXISTS = "it is there already"
    SKIP_NEWER = "what is there is not older"
    RENAME = "rename"


def needs_look(policy: ConflictPolicy) -> bool:
    """Whether the decision depends on what is there."""
    return policy is not ConflictPolicy.OVERWRITE


def decide(policy: ConflictPolicy, source: Attributes, there: Attributes | None, path: bytes) -> Decision:
    """For a source and what has its final name. Raises FileError IS_DIRECTORY when a directory has it."""
    if there is None:
        return Decision.COPY
    if policy is ConflictPolicy.RENAME:
        return Decision.RENAME
    if policy is ConflictPolicy.SKIP:
        return Decision.SKIP_EXISTS
    if there.kind is FileKind.DIRECTORY:
        raise FileError(Code.IS_DIRECTORY, evidence={"path": show_bytes(path)})
    if policy is ConflictPolicy.NEWER and int(there.modified or 0) >= int(source.modified or 0):
        return Decision.SKIP_NEWER
    return Decision.COPY
