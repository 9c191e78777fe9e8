"""The rules of the queue of transfers: which states follow which, what may be wished when, who moves. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from backend.dataclass import dataclass
from backend.files.model import TransferState
from backend.priority import Priority

_S = TransferState

MOVING = frozenset({_S.SCANNING, _S.COPYING, _S.RECONNECTING})
"""Begun, and nobody holds it up."""
OPEN = MOVING | {_S.WAITING, _S.PAUSED, _S.INTERRUPTED}
"""Not at its end."""
ENDED = frozenset({_S.DONE, _S.FAILED, _S.CANCELLED})
UNHELD = ENDED | {_S.PAUSED, _S.INTERRUPTED}
"""States that a transfer may be in while no process works on it."""

FOLLOWS: Mapping[TransferState, frozenset[TransferState]] = {
    _S.WAITING: MOVING | ENDED | {_S.PAUSED, _S.INTERRUPTED},
    _S.SCANNING: (MOVING | ENDED | {_S.WAITING, _S.PAUSED, _S.INTERRUPTED}) - {_S.SCANNING},
    _S.COPYING: (MOVING | ENDED | {_S.WAITING, _S.PAUSED, _S.INTERRUPTED}) - {_S.COPYING},
    _S.RECONNECTING: (MOVING | ENDED | {_S.WAITING, _S.PAUSED, _S.INTERRUPTED}) - {_S.RECONNECTING},
    _S.PAUSED: MOVING | ENDED | {_S.WAITING, _S.INTERRUPTED},
    _S.INTERRUPTED: frozenset({_S.WAITING, _S.PAUSED, _S.CANCELLED}),
    _S.FAILED: frozenset({_S.WAITING}),
    _S.CANCELLED: frozenset({_S.WAITING}),
    _S.DONE: frozenset(),
}
"""What may come next. A transfer that failed or was cancelled may be asked for again; one that is done is done."""


class Wish(StrEnum):
    """What a person may want of a transfer."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


GRANTED: Mapping[Wish, frozenset[TransferState]] = {
    Wish.PAUSE: OPEN - {_S.PAUSED},
    Wish.RESUME: frozenset({_S.PAUSED, _S.INTERRUPTED, _S.FAILED, _S.CANCELLED}),
    Wish.CANCEL: OPEN,
}
"""The states in which a wish means something."""

BECOMES: Mapping[Wish, TransferState] = {
    Wish.PAUSE: _S.PAUSED,
    Wish.RESUME: _S.WAITING,
    Wish.CANCEL: _S.CANCELLED,
}
"""What a transfer is at once when its wish is granted and nobody works on it."""


def fulfilled(wish: Wish, state: TransferState) -> bool:
    """Whether a transfer in this state is as it was wished to be."""
    return state not in GRANTED[wish]


def left_behind(state: TransferState, wish: Wish | None) -> TransferState:
    """What a transfer is, whose process is gone: what was wished of it last counts, though nobody has answered."""
    if wish in (Wish.PAUSE, Wish.CANCEL):
        return BECOMES[wish]
    return state if state in UNHELD else _S.INTERRUPTED


@dataclass(frozen=True, slots=True)
class Limits:
    """How many transfers move at once."""

    in_all: int = 6
    of_host: int = 2


@dataclass(frozen=True, slots=True)
class Entrant:
    """A transfer that could move now: neither paused, nor waiting for its host to come back."""

    id: str
    host: str
    priority: Priority
    place: float
    """The smaller, the earlier."""
    moves: bool = False
    """It does already, and is not stopped for another one."""


def allotted(entrants: Iterable[Entrant], limits: Limits) -> frozenset[str]:
    """Who moves: those that do already, then by priority and place, as far as the limits go."""
    chosen: list[str] = []
    of_host: Counter[str] = Counter()
    for entrant in sorted(entrants, key=lambda one: (not one.moves, -one.priority, one.place)):
        if len(chosen) < limits.in_all and of_host[entrant.host] < limits.of_host:
            chosen.append(entrant.id)
            of_host[entrant.host] += 1
    return frozenset(chosen)


class Move(StrEnum):
    """Where to in the queue."""

    EARLIER = "earlier"
    LATER = "later"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Queued:
    """A transfer's place in the queue."""

    id: str
    priority: Priority


def moved(queue: Sequence[Queued], id_: str, move: Move) -> tuple[Queued, ...]:
    """`queue`, which is in order, with one of its transfers elsewhere; it takes the priority of those it passes."""
    here = next((index for index, one in enumerate(queue) if one.id == id_), None)
    if here is None:
        return tuple(queue)
    ends = {Move.EARLIER: here - 1, Move.LATER: here + 1, Move.FIRST: 0, Move.LAST: len(queue) - 1}
    there = min(max(ends[move], 0), len(queue) - 1)
    if there == here:
        return tuple(queue)
    others = [one for one in queue if one.id != id_]
    return (*others[:there], Queued(id_, queue[there].priority), *others[there:])
