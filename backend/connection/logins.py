"""When two names of hosts mean the same login: the same user of the same machine, let in and recognised alike. Pure.

What decides with whom is spoken and as whom is compared, hop by hop, and so is what was asked for the connection itself
(algorithms, compression). What a person has set up for a name alone (where work begins, how long is waited, when it
counts as idle) is not. Nothing is looked up: a DNS name and its address are two hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from backend.connection.target import Hop, HopIdentity, Keepalive, Target, Timeouts
from backend.dataclass import dataclass

Login = tuple[Hop, ...]
"""The hops with all that is a name's own left out; equal for equal logins."""


@dataclass(frozen=True, slots=True)
class HopPassword:
    """What the vault keeps a password under: the user's of one hop, reached through others."""

    hop: HopIdentity
    before: tuple[HopIdentity, ...] = ()


def login_of(target: Target) -> Login:
    """Which login `target` is, over its route."""
    return tuple(_bare(hop) for hop in target.hops)


def passwords_of(hops: Sequence[Hop]) -> frozenset[HopPassword]:
    """Those of a way, outermost hop first."""
    identities = [hop.identity for hop in hops]
    return frozenset(HopPassword(hop, tuple(identities[:place])) for place, hop in enumerate(identities))


def belongs_to_way(hops: Sequence[Hop]) -> Callable[[Hashable], bool]:
    """What a host on the way to another one has in common with it: the passwords of the hops so far, and no more."""
    return passwords_of(hops).__contains__


def belongs_to_login(hops: Sequence[Hop]) -> Callable[[Hashable], bool]:
    """What two names of one login have in common: the passwords of their hops, and all that is not a password of some
    other way's, as root's on the host."""
    own = passwords_of(hops)
    return lambda purpose: purpose in own or not isinstance(purpose, HopPassword)


def _bare(hop: Hop) -> Hop:
    return replace(
        hop,
        name="",
        address=hop.address.lower(),
        timeouts=Timeouts(),
        keepalive=Keepalive(),
        idle_close=None,
        source="",
        notes=(),
    )
