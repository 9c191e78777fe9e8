"""What goes first among things that wait. Values only."""

from __future__ import annotations

from enum import IntEnum


class Priority(IntEnum):
    """Which of those that wait go first."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
