"""A small network of the test's own: client, bastion, and hosts that only the bastion reaches. Needs root and iproute2.

```
client ── veth ── bastion ── bridge ── inner1, inner2
192.0.2.1       192.0.2.2 / 198.51.100.1   198.51.100.11, .12
```
Every machine is a network namespace without any other way out, so nothing can leave the test, and the same
documentation addresses (RFC 5737) serve any number of tests side by side.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.tiers import need_namespaces

BASTION = "192.0.2.2"
INNER = ("198.51.100.11", "198.51.100.12")

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Network:
    """Names of the namespaces, for `ip netns exec`."""

    client: str
    bastion: str
    inner: tuple[str, str]

    def run_in(self, namespace: str, *command: str) -> tuple[str, ...]:
        """The command line that runs `command` in `namespace`."""
        return ("ip", "netns", "exec", namespace, *command)


@contextmanager
def network() -> Iterator[Network]:
    """Build the network; take it down again."""
    need_namespaces()
    prefix = f"fl{os.getpid()}x{next(_numbers)}"
    made = Network(f"{prefix}c", f"{prefix}b", (f"{prefix}i1", f"{prefix}i2"))
    try:
        _build(made)
        yield made
    finally:
        for namespace in (made.client, made.bastion, *made.inner):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)


def _build(made: Network) -> None:
    for namespace in (made.client, made.bastion, *made.inner):
        _ip("netns", "add", namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")
    _wire(made.client, "out", made.bastion, "out")
    _address(made.client, "out", "192.0.2.1/24")
    _address(made.bastion, "out", f"{BASTION}/24")
    _ip("-n", made.bastion, "link", "add", "inside", "type", "bridge")
    _address(made.bastion, "inside", "198.51.100.1/24")
    for number, (namespace, address) in enumerate(zip(made.inner, INNER, strict=True), start=1):
        _wire(namespace, "eth", made.bastion, f"port{number}")
        _ip("-n", made.bastion, "link", "set", f"port{number}", "master", "inside", "up")
        _address(namespace, "eth", f"{address}/24")


def _wire(one: str, one_end: str, other: str, other_end: str) -> None:
    _ip("link", "add", one_end, "netns", one, "type", "veth", "peer", "name", other_end, "netns", other)


def _address(namespace: str, link: str, address: str) -> None:
    _ip("-n", namespace, "address", "add", address, "dev", link)
    _ip("-n", namespace, "link", "set", link, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
