"""A fleet: many simulated hosts that are alike but for a few, for runs on many hosts at once."""

from __future__ import annotations

from pathlib import Path

from backend.clock import Clock, SystemClock
from mocks.demo.listing import PERSON_KEY, Listing
from mocks.demo.setup import known_hosts_text
from mocks.host import Machine, SimulatedHost, User
from mocks.served import ServedWorld
from mocks.world import World

USER = "deploy"


def fleet(count: int, *, odd: int = 0, password: str | None = None, clock: Clock | None = None) -> World:
    """`count` hosts, node-1 and on; the last `odd` of them have another kernel than the others.

    They let the person's key in, or with `password` only that.
    """
    clock = clock or SystemClock()
    keys = (PERSON_KEY.public_line,) if password is None else ()
    listings = tuple(
        Listing(
            SimulatedHost(
                f"node-{number}",
                address=f"198.51.100.{number % 250}",
                users=(User(USER, 1000, keys=keys, password=password, groups=(("sudo", 27),)),),
                machine=Machine(kernel="6.1.0-31-amd64" if number > count - odd else "6.8.0-55-generic"),
                clock=clock,
            ),
            USER,
            group="fleet",
            tags=("odd",) if number > count - odd else (),
            uses_key=password is None,
        )
        for number in range(1, count + 1)
    )
    world = World((listing.host for listing in listings), clock=clock)
    world.listings = listings
    return world


def write_fleet_files(served: ServedWorld, directory: Path) -> Path:
    """An ssh_config for the served fleet, with known hosts and the person's key beside it. Blocks."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key, known, config = directory / "id_ed25519", directory / "known_hosts", directory / "ssh_config"
    key.touch(mode=0o600)
    key.write_bytes(PERSON_KEY.openssh)
    key.with_name(f"{key.name}.pub").write_text(f"{PERSON_KEY.public_line} fleet\n")
    known.write_text(known_hosts_text(served.world))
    config.write_text(served.ssh_config(known, key))
    return config
