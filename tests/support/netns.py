"""A small network of the test's own: client, bastion, and hosts that only the bastion reaches. Needs root and iproute2.

```
client ── veth ── bastion ── bridge ── inner1, inner2
192.0.2.1       192.0.2.2 / 198.51.100.1   198.51.100.11, .12
```
or, one behind the other, each reached by the one before it only:

```
client ── veth ── first ── veth ── second ── veth ── end
192.0.2.1   .2 / 198.51.100.1   .2 / 203.0.113.1   .2
```
Every machine is a network namespace without any other way out, so nothing can leave the test, and the same
documentation addresses (RFC 5737) serve any number of tests side by side.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.tiers import need_namespaces

BASTION = "192.0.2.2"
INNER = ("198.51.100.11", "198.51.100.12")
FIRST, SECOND, END = "192.0.2.2", "198.51.100.2", "203.0.113.2"
BACK, FORTH = "back", "forth"
"""Links of a machine in a line: towards the client, and away from it."""

_CLONE_NEWNET = 0x40000000
_numbers = itertools.count()


def run_in(namespace: str, *command: str) -> tuple[str, ...]:
    """The command line that runs `command` in `namespace`."""
    return ("ip", "netns", "exec", namespace, *command)


@dataclass(frozen=True, slots=True)
class Network:
    """Names of the namespaces, for `ip netns exec`."""

    client: str
    bastion: str
    inner: tuple[str, str]

    def run_in(self, namespace: str, *command: str) -> tuple[str, ...]:
        """As `run_in` of this module."""
        return run_in(namespace, *command)


@dataclass(frozen=True, slots=True)
class Line:
    """Names of the namespaces of machines one behind the other."""

    client: str
    first: str
    second: str
    end: str

    @property
    def machines(self) -> tuple[str, ...]:
        return (self.client, self.first, self.second, self.end)


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


@contextmanager
def line() -> Iterator[Line]:
    """Build machines one behind the other; take them down again."""
    need_namespaces()
    prefix = f"fl{os.getpid()}x{next(_numbers)}"
    made = Line(f"{prefix}c", f"{prefix}f", f"{prefix}s", f"{prefix}e")
    try:
        _add(*made.machines)
        for (one, other), address in zip(itertools.pairwise(made.machines), (FIRST, SECOND, END), strict=True):
            _wire(one, FORTH, other, BACK)
            _address(one, FORTH, address.rpartition(".")[0] + ".1/24")
            _address(other, BACK, f"{address}/24")
        yield made
    finally:
        for namespace in made.machines:
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)


def set_link(namespace: str, link: str, *, up: bool) -> None:
    """Plug a machine's link in, or pull it: nothing arrives any more, and nobody is told."""
    _ip("-n", namespace, "link", "set", link, "up" if up else "down")


def wait_for_port(namespace: str, address: str, port: int, *, seconds: float = 10.0) -> None:
    """Until a connection from `namespace` is accepted, as a kernel may remember for a while that there was no way."""
    deadline = time.monotonic() + seconds
    with entered(namespace):
        while True:
            with socket.socket() as probe:
                probe.settimeout(1)
                if not (problem := probe.connect_ex((address, port))):
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{address} port {port}: {os.strerror(problem)}")
            time.sleep(0.02)


def lead_astray(namespace: str, link: str, address: str) -> None:
    """From now on what `namespace` sends to `address` goes to a machine that is not there: a black hole."""
    _ip("-n", namespace, "neigh", "replace", address, "lladdr", "02:00:5e:00:53:01", "dev", link, "nud", "permanent")


@contextmanager
def entered(namespace: str) -> Iterator[None]:
    """This thread, and what it starts, is in `namespace` for the length of the block (setns(2)): sockets as well."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(descriptor: int) -> None:
        if libc.setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", namespace).open() as there:
        enter(there.fileno())
        try:
            yield
        finally:
            enter(home.fileno())


def _add(*namespaces: str) -> None:
    for namespace in namespaces:
        _ip("netns", "add", namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")


def _build(made: Network) -> None:
    _add(made.client, made.bastion, *made.inner)
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
