"""The ways to a host through a jump host that has several routes itself: named, noted, and bounded in number. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backend.connection.target import Hop
from backend.dataclass import dataclass

MAX_WAYS = 4
"""To one jump host, over all of its routes and those of the jump hosts before it."""
MAX_DEPTH = 2
"""Jump hosts one behind the other whose routes are all looked at; of those further out, the first one only."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The hops to a host, outermost first, over one choice of its jump hosts' routes."""

    hops: tuple[Hop, ...]
    names: tuple[str, ...] = ()
    """The jump hosts' routes where they have several, the nearest jump host's first."""

    def named(self, route: str) -> str:
        """A route's name with those of its jump hosts: `jump/tailscale` is the route `jump`, whose jump host is
        reached over its own route `tailscale`."""
        return "/".join((route, *self.names))


def ways_to(found: Sequence[tuple[str, Sequence[Chain]]], notes: Sequence[str]) -> tuple[Chain, ...]:
    """The chains to a jump host: what was found for each of its routes, in order, at most MAX_WAYS of them.

    `notes` say what was not looked for. They stand on its hop, with how many are left out here.
    """
    counts = _shares([len(chains) for _, chains in found], MAX_WAYS)
    ways = [
        replace(chain, names=(route, *chain.names) if len(found) > 1 else chain.names)
        for (route, chains), count in zip(found, counts, strict=True)
        for chain in chains[:count]
    ]
    if (total := sum(len(chains) for _, chains in found)) > len(ways):
        notes = [*notes, f"of {total} ways to it as a jump host {len(ways)} are tried"]
    return tuple(_noted(chain, notes) for chain in ways)


def _noted(chain: Chain, notes: Sequence[str]) -> Chain:
    *before, jump = chain.hops
    return replace(chain, hops=(*before, replace(jump, notes=(*jump.notes, *notes)))) if notes else chain


def _shares(sizes: Sequence[int], most: int) -> list[int]:
    """How many of each are taken when they take turns until there are `most`: no route is lost to one that has many."""
    shares = [0] * len(sizes)
    while sum(shares) < min(most, sum(sizes)):
        for place, size in enumerate(sizes):
            if shares[place] < size and sum(shares) < most:
                shares[place] += 1
    return shares
