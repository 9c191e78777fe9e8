"""Which network this machine is on: an identity that is the same at the next visit, and tells nobody anything.

On Linux the default gateway and its hardware address (so that two homes with 192.168.1.1 are two networks); elsewhere
the beginning of the local address that the system would send from. Nothing is sent, and nothing here raises.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
from contextlib import closing
from ipaddress import ip_address, ip_network
from pathlib import Path

_PROC = Path("/proc/net")
_UP_AND_GATEWAY = 0x3
"""RTF_UP and RTF_GATEWAY of route(8)."""
_NOBODY = ("192.0.2.1", "2001:db8::1")
"""Addresses for documentation (RFC 5737, RFC 3849): connecting a UDP socket to them only chooses a local address."""
_PREFIX = {4: 24, 6: 64}
"""How much of a local address belongs to the network rather than to this machine."""


async def here(proc: Path = _PROC) -> bytes | None:
    """The identity of the network, hashed; None where this machine is on none."""
    return await asyncio.to_thread(identity, proc)


def identity(proc: Path = _PROC) -> bytes | None:
    """As `here`; reads files of the kernel."""
    known = _gateway(proc) or _sixth_gateway(proc) or _local_prefix()
    return None if known is None else hashlib.sha256(f"network {known}".encode()).digest()[:16]


def _gateway(proc: Path) -> str | None:
    """The IPv4 default route with the lowest metric, as `wlan0 192.168.1.1 aa:bb:…` (proc(5), /proc/net/route)."""
    found: list[tuple[int, str, str]] = []
    for line in _lines(proc / "route"):
        fields = line.split()
        try:
            interface, destination, gateway, flags, metric = fields[0], fields[1], fields[2], fields[3], fields[6]
            if int(destination, 16) == 0 and int(flags, 16) & _UP_AND_GATEWAY == _UP_AND_GATEWAY:
                address = str(ip_address(bytes.fromhex(gateway)[::-1]))
                found.append((int(metric), interface, address))
        except (IndexError, ValueError):
            continue
    if not found:
        return None
    _, interface, address = min(found)
    return f"{address} {_hardware(proc, interface, address)}"


def _hardware(proc: Path, interface: str, address: str) -> str:
    """The gateway's hardware address, or the interface's name where the kernel has not met it (a VPN, a container)."""
    for line in _lines(proc / "arp"):
        fields = line.split()
        if len(fields) >= 6 and fields[0] == address and fields[5] == interface and fields[3] != "00:00:00:00:00:00":
            return fields[3]
    return interface


def _sixth_gateway(proc: Path) -> str | None:
    """The IPv6 default route (proc(5), /proc/net/ipv6_route), for networks without IPv4."""
    found = []
    for line in _lines(proc / "ipv6_route"):
        fields = line.split()
        if len(fields) >= 10 and fields[1] == "00" and fields[4].strip("0"):
            found.append((fields[5], fields[4], fields[9]))
    return " ".join(min(found)[1:]) if found else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii", "replace").splitlines()
    except OSError:
        return []


def _local_prefix() -> str | None:
    for family, nobody in zip((socket.AF_INET, socket.AF_INET6), _NOBODY, strict=True):
        try:
            with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
                probe.connect((nobody, 9))
                address = ip_address(str(probe.getsockname()[0]).partition("%")[0])
        except (OSError, ValueError):
            continue
        return str(ip_network(f"{address}/{_PREFIX[address.version]}", strict=False))
    return None
