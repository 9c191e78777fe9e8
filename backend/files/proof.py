"""Proof that both ends have the same bytes: a prefix before going on from it, the whole before it gets its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from backend.errors import Code, IntegrityError
from backend.files.lane import Context
from backend.files.resume import ResumePlan, sample_offsets
from backend.tasks import task_group
from backend.text import show_bytes

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")

SAMPLE = 65536
"""Bytes that are read again at each place, where the host cannot hash."""

NOT_COMPARED = "what was copied is complete, and not compared"
UNSTEADY = "its content is made when it is read, so there is nothing to compare with"

Digest = Callable[[int], Awaitable[bytes | None]]
"""SHA-256 of a prefix of so many bytes; None where the host cannot say."""
ReadAt = Callable[[int, int], Awaitable[bytes]]
"""So many bytes at an offset."""
Same = Callable[[int], Awaitable[bool]]
"""Whether a prefix of so many bytes agrees, by reading some of it again."""


async def proven_start(
    plan: ResumePlan, *, ours: Digest, theirs: Digest, same: Callable[[int], Awaitable[bool]]
) -> int:
    """The longest candidate that is the same on both ends, or 0. `same` compares where one of them cannot hash.

    When this returns, `ours` was asked last for the length returned, or for none.
    """
    for length in plan.candidates:
        mine, other = await _both(ours(length), theirs(length))
        if (await same(length)) if mine is None or other is None else mine == other:
            return length
    return 0


async def _both(one: Awaitable[A], other: Awaitable[B]) -> tuple[A, B]:
    """At once; when one fails, the other is ended before that is told."""

    async def wait(work: Awaitable[T]) -> T:
        return await work

    async with task_group() as group:
        tasks = group.create_task(wait(one)), group.create_task(wait(other))
    return tasks[0].result(), tasks[1].result()


async def same_samples(context: Context, length: int, *, ours: ReadAt, theirs: ReadAt) -> bool:
    """Whether samples of a prefix agree, its end among them; each one read again is counted as sent."""
    for offset in sample_offsets(length, SAMPLE):
        size = min(SAMPLE, length - offset)
        mine, other = await _both(ours(offset, size), theirs(offset, size))
        context.meter.sent(len(other))
        if mine != other or len(mine) != size:
            return False
    return True


async def verified(
    context: Context, path: bytes, digest: bytes, ask: Callable[[], Awaitable[bytes | None]], silence: Callable[[], str]
) -> bool:
    """Whether the host's digest is ours; False where it does not say, and then told for which `silence`.

    Raises IntegrityError.
    """
    theirs = await ask()
    if theirs is None:
        context.cannot_verify(path, not_compared(silence()))
        return False
    if theirs != digest:
        raise differs(path, digest, theirs)
    return True


def not_compared(silence: str) -> str:
    """What is told of a file that the host has not hashed."""
    return f"{silence}: {NOT_COMPARED}"


def differs(path: bytes, ours: bytes, theirs: bytes) -> IntegrityError:
    return IntegrityError(
        Code.CHECKSUM_DIFFERS, evidence={"path": show_bytes(path), "here": ours.hex(), "there": theirs.hex()}
    )
