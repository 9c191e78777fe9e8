"""What the tailscale program of this machine says about itself and a peer (`tailscale status --json`).

Reading is pure and takes nothing for granted: names in a tailnet are chosen by others. The program is asked only when
an address in the tailnet does not answer at once.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from backend.dataclass import dataclass
from backend.errors import Code, ConnectError
from backend.text import clean_line

TIME_LIMIT = 5.0
"""Seconds for the program to answer."""
MOST_OUTPUT = 8 << 20
"""Bytes of an answer; a tailnet of ten thousand machines fits."""
_MAC_APP = Path("/Applications/Tailscale.app/Contents/MacOS/Tailscale")
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Peer:
    """A machine in the tailnet."""

    name: str
    online: bool
    last_seen: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """How it stands with Tailscale on this machine."""

    state: str
    """`Running`, `Stopped`, `NeedsLogin`, …; empty where the daemon does not answer."""
    kernel: bool = True
    """Connections of any program reach the tailnet; without, tailscaled runs in userspace mode."""
    peer: Peer | None = None
    """The machine that was asked about, if it is there."""
    told: str = ""
    """What the program had to complain about."""


def find_program() -> str | None:
    """The tailscale command line, on PATH or in the macOS application."""
    found = shutil.which("tailscale")
    return found or (str(_MAC_APP) if _MAC_APP.exists() else None)


def read_status(output: bytes, address: str) -> Status:
    """The answer of `tailscale status --json`, with the peer whose address or name is `address`. Never raises."""
    try:
        said = json.loads(output[:MOST_OUTPUT])
    except (ValueError, RecursionError):
        return Status("", told="its answer is not JSON")
    if not isinstance(said, dict):
        return Status("", told="its answer makes no sense")
    health = said.get("Health")
    told = "; ".join(_text(line) for line in health[:5]) if isinstance(health, list) else ""
    return Status(_text(said.get("BackendState")), said.get("TUN") is not False, _peer(said, address), told)


def _peer(said: Mapping[str, Any], address: str) -> Peer | None:
    machines = said.get("Peer")
    for machine in machines.values() if isinstance(machines, dict) else ():
        if isinstance(machine, dict) and _is(machine, address):
            name = _text(machine.get("DNSName") or machine.get("HostName")).rstrip(".")
            return Peer(name, machine.get("Online") is True, _text(machine.get("LastSeen")))
    return None


def _is(machine: Mapping[str, Any], address: str) -> bool:
    addresses = machine.get("TailscaleIPs")
    if isinstance(addresses, list) and any(_same(item, address) for item in addresses):
        return True
    wanted = address.rstrip(".").lower()
    full = str(machine.get("DNSName") or "").rstrip(".").lower()
    return bool(wanted) and wanted in {full, full.partition(".")[0], str(machine.get("HostName") or "").lower()}


def _same(one: object, other: str) -> bool:
    try:
        return ipaddress.ip_address(str(one)) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _text(value: object) -> str:
    return clean_line(value)[:_SHOWN] if isinstance(value, str) else ""


def problem(status: Status, address: str) -> ConnectError | None:
    """What is wrong with Tailscale itself or the peer; None where it should work."""
    evidence: dict[str, object] = {"address": address, "tailscale": status.state or "does not answer"}
    if status.state in {"NeedsLogin", "NeedsMachineAuth"}:
        approval = "this machine waits for an administrator's approval"
        reason = approval if status.state == "NeedsMachineAuth" else "it needs a login"
        return ConnectError(Code.TAILSCALE_LOGGED_OUT, evidence={**evidence, "reason": reason})
    if status.state != "Running":
        reason = {"Stopped": "it is stopped", "Starting": "it is just starting"}.get(status.state) or status.told
        return ConnectError(
            Code.TAILSCALE_DOWN, evidence={**evidence, "reason": reason or "its daemon does not answer"}
        )
    if status.peer is not None and not status.peer.online:
        seen = (
            f"last seen {status.peer.last_seen}" if status.peer.last_seen else "it is not known when it was last seen"
        )
        return ConnectError(
            Code.TAILSCALE_PEER_OFFLINE, evidence={**evidence, "peer": status.peer.name, "reason": seen}
        )
    return None


async def ask(program: str, address: str) -> Status:
    """How it stands, within TIME_LIMIT. Raises nothing: a program that fails is a daemon that does not answer."""
    try:
        async with asyncio.timeout(TIME_LIMIT):
            return await _ask(program, address)
    except TimeoutError:
        return Status("", told=f"tailscale gave no answer within {TIME_LIMIT:g} s")
    except OSError as error:
        return Status("", told=f"tailscale cannot be started: {error.strerror}")


async def _ask(program: str, address: str) -> Status:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        program, "status", "--json", stdin=nothing, stdout=pipe, stderr=pipe, start_new_session=True
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        output, complaint = await asyncio.gather(_most(process.stdout), _most(process.stderr))
        await process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # else a grandchild keeps our pipes open
    if not output.strip():
        return Status("", told=_text(complaint.decode("utf-8", "replace").strip()))
    return read_status(output, address)


async def _most(stream: asyncio.StreamReader) -> bytes:
    """What comes, up to the limit."""
    parts, size = [], 0
    while size < MOST_OUTPUT and (part := await stream.read(64 << 10)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
