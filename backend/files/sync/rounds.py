"""Whether a further round is worth it: what a plan holds that the one before did not. Nothing is kept but hashes."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
from collections import Counter

from backend.files.sync.compare import Plan
from backend.files.sync.model import Action, Counts, Do
from backend.files.sync.planner import seconds
from backend.files.sync.selection import Selection

_BUCKETS = 256
MOST_REMAINING = 1000
"""Names that are told of those that still differ."""


class Tried:
    """What a round has tried to do."""

    def __init__(self) -> None:
        self._hashes = [array("q") for _ in range(_BUCKETS)]
        """Sorted, in buckets, so that none takes long to sort."""
        self.counts = Counts()

    @classmethod
    async def of(cls, plan: Plan, selection: Selection) -> Tried:
        tried = cls()
        for spool in (plan.changes, plan.deletions):
            async for batch in spool.batches():
                wanted = [one for one in batch if selection.wants(one)]
                tried.counts.add(wanted)
                for hashed in map(_hash, wanted):
                    tried._hashes[hashed % _BUCKETS].append(hashed)
        for number, bucket in enumerate(tried._hashes):
            if bucket:
                tried._hashes[number] = array("q", sorted(bucket))
                await asyncio.sleep(0)
        return tried

    def __contains__(self, action: Action) -> bool:
        wanted = _hash(action)
        bucket = self._hashes[wanted % _BUCKETS]
        at = bisect_left(bucket, wanted)
        return at < len(bucket) and bucket[at] == wanted


def _hash(action: Action) -> int:
    """Equal for what would be done in the same way again."""
    return hash((action.do, action.parts, action.size, seconds(action.modified), action.mode, action.points_to))


class Remaining:
    """What a plan would still do."""

    def __init__(self) -> None:
        self.again: Counter[Do] = Counter()
        """What has been tried just so, and did not hold."""
        self.fresh = 0
        """What has not been tried, or looks different now."""
        self.blocked = 0
        self.listed: list[Action] = []
        """The first thousand."""

    @classmethod
    async def of(cls, plan: Plan, selection: Selection, tried: Tried) -> Remaining:
        found = cls()
        for spool in (plan.changes, plan.deletions):
            async for batch in spool.batches():
                for action in batch:
                    found._count(action, selection, tried)
        return found

    def _count(self, action: Action, selection: Selection, tried: Tried) -> None:
        if action.do is Do.BLOCK:
            self.blocked += 1
        elif not selection.wants(action):
            return
        elif action in tried:
            self.again[action.do] += 1
        else:
            self.fresh += 1
        if len(self.listed) < MOST_REMAINING:
            self.listed.append(action)

    @property
    def count(self) -> int:
        return self.again.total() + self.fresh + self.blocked
