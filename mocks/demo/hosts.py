"""The hosts of the demo world."""

from __future__ import annotations

from backend.clock import Clock
from mocks.demo.far import cluster, gpu_7, mirror_au
from mocks.demo.inner import bastion, db_2
from mocks.demo.listing import Listing
from mocks.demo.web import edge_3, web_1


def demo_listings(clock: Clock) -> tuple[Listing, ...]:
    """All of them, new, in the order in which they are listed."""
    makers = (web_1, db_2, bastion, edge_3, gpu_7, mirror_au, cluster)
    return tuple(make(clock) for make in makers)
