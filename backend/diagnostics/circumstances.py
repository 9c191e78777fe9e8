"""What this machine knows that bears on a failure at some rung: its routes, its hosts file, its keys, and the past.

Each look adds evidence and perhaps advice; none is a verdict of its own. All are local, quick and bounded: nothing is
sent to the host, and a look that cannot be had adds nothing.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from backend.connection.credentials import public_half, public_line
from backend.connection.host_keys import shorten
from backend.connection.target import Hop
from backend.dataclass import dataclass
from backend.diagnostics.explain import Refinement
from backend.diagnostics.server_side.ways_in import ways_in
from backend.errors import Advice, Code, FairleadError
from backend.hosts.book import HostBook
from backend.text import clean_line, shell_word

HOSTS_FILE = Path("/etc/hosts")
_ROUTE_LIMIT = 1.0
"""Seconds for the system's routing table to answer."""
_SHOWN = 160
_NOT_CONNECTED = frozenset({Code.TCP_REFUSED, Code.TCP_TIMEOUT, Code.TCP_UNREACHABLE})
_NO_WAY = frozenset({Code.TCP_TIMEOUT, Code.TCP_UNREACHABLE})
_TURNED_AWAY = _NOT_CONNECTED | {Code.BANNER_CLOSED, Code.BANNER_SILENT}
_ABOUT_KEYS = frozenset({Code.AUTH_DENIED, Code.AUTH_NO_METHOD, Code.AUTH_TOO_MANY})
_REFUSED = frozenset(
    {
        Code.AUTH_DENIED,
        Code.AUTH_CERTIFICATE,
        Code.AUTH_TIMEOUT,
        Code.CONNECTION_LOST,
        Code.AUTH_TOO_MANY,
        Code.SESSION_REFUSED,
    }
)
TELLING = _TURNED_AWAY | _ABOUT_KEYS | _REFUSED
"""Codes of which more may be known here."""
_MOST_KEYS = 8
_MOST_BYTES = 1 << 20


LastSuccess = Callable[[str], Awaitable[datetime | None]]
"""When a host was logged in to last; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed, and what was seen on the way there."""

    error: FairleadError
    hop: Hop
    host: str = ""
    """The host on the way to which it happened."""
    addresses: tuple[str, ...] = ()
    """As `10.0.4.7:22`; empty where nothing was looked up here."""


@dataclass(frozen=True, slots=True)
class Known:
    """Who knows more than the failure itself tells."""

    book: HostBook
    last_success: LastSuccess | None = None
    connected: Callable[[], Sequence[str]] = tuple
    """Names of the hosts that are connected now."""
    looks_here: bool = True
    """This machine's own routes and names bear on the host: it is not a simulated one."""


async def circumstances(failure: Failure, known: Known, *, hosts_file: Path = HOSTS_FILE) -> Refinement:
    """What is known here about `failure`, the most telling first."""
    code = failure.error.code
    looks: list[Awaitable[Refinement]] = []
    if code in _REFUSED:
        looks.append(_from_inside(failure, known))
    if code in _TURNED_AWAY:
        looks.append(_past(failure, known))
    if code in _NOT_CONNECTED:
        looks.append(_each_address(failure))
    if code in _NOT_CONNECTED and known.looks_here:
        looks.append(_hosts_file(failure, hosts_file))
    if code in _NO_WAY and known.looks_here:
        looks.append(_route(failure))
    if code in _ABOUT_KEYS:
        looks.append(_public_halves(failure))
    added = await asyncio.gather(*looks)
    evidence = {name: value for one in added for name, value in one.evidence.items()}
    return Refinement(evidence, tuple(advice for one in added for advice in one.advice))


async def _past(failure: Failure, known: Known) -> Refinement:
    """It has worked before: then name, address and port are right."""
    last = None
    if known.last_success is not None:
        with suppress(FairleadError):
            last = await known.last_success(failure.hop.name)
    if last is None:
        return Refinement()
    when = f"{last:%Y-%m-%d %H:%M} UTC"
    text = (
        f"It worked on {when}. Unless its address or port has changed since, either the server is down, or it shuts "
        "this machine out for a while: then it can still be reached from elsewhere, as from a jump host."
    )
    return Refinement({"last_success": when}, (Advice(text),))


async def _each_address(failure: Failure) -> Refinement:
    """All addresses that were tried, where they are several."""
    return Refinement({"addresses": ", ".join(failure.addresses)} if len(failure.addresses) > 1 else {})


async def _hosts_file(failure: Failure, path: Path) -> Refinement:
    """The address may come from a line of this machine's own that nobody thinks of."""
    name = failure.hop.address.lower()
    line = await asyncio.to_thread(_line_of, path, name)
    if not line:
        return Refinement()
    text = f"The address comes from {path} of this machine: check that it is still the right one."
    return Refinement({"hosts_file": line}, (Advice(text, f"grep -nw {shell_word(clean_line(name))} {path}"),))


def _line_of(path: Path, name: str) -> str:
    with suppress(OSError):
        for number, line in enumerate(path.read_text(errors="replace")[:_MOST_BYTES].splitlines(), start=1):
            words = line.partition("#")[0].lower().split()
            if name in words[1:] and name not in {"localhost", "ip6-localhost"}:
                return clean_line(f"line {number}: {' '.join(words)}")[:_SHOWN]
    return ""


async def _from_inside(failure: Failure, known: Known) -> Refinement:
    """Another name of the same machine, over which it can say why it refuses this login."""
    others = await ways_in(known.book, failure.hop, failure.host, first=known.connected())
    if not others:
        return Refinement()
    other, host = clean_line(others[0]), clean_line(failure.host)
    text = f"{other} is another login at the same address: look from there for the server's own reason."
    return Refinement(advice=(Advice(text, f"fairlead diagnose {shlex.quote(host)} --inside {shlex.quote(other)}"),))


# --- routes ------------------------------------------------------------------------------------------------------


async def _route(failure: Failure) -> Refinement:
    """Which way this machine would send packets to the host."""
    hosts = [_host_of(address) for address in failure.addresses]
    ways = [way for way in await asyncio.gather(*(local_route(host) for host in hosts[:2])) if way]
    evidence = {"route_here": "; ".join(ways)} if ways else {}
    if hosts and all(":" in host for host in hosts) and failure.error.code is Code.TCP_UNREACHABLE:
        text = "The host has IPv6 addresses only, and this network leads to none: use one with IPv6, or a jump host."
        return Refinement(evidence, (Advice(text),))
    reason = failure.error.evidence.get("reason", "")
    if failure.error.code is Code.TCP_UNREACHABLE and "No route to host" in reason and _has_way(ways):
        text = (
            "This machine has a route there, so a firewall, of the host or on the way, forbids it; or the host is off, "
            "and its neighbour says so."
        )
        return Refinement(evidence, (Advice(text),))
    return Refinement(evidence)


def _has_way(ways: Sequence[str]) -> bool:
    return any(" dev " in way for way in ways) and not any("unreachable" in way.lower() for way in ways)


def _host_of(address: str) -> str:
    """The numeric host of `10.0.4.7:22` or `[2001:db8::1]:22`."""
    return address.rpartition(":")[0].strip("[]")


async def local_route(host: str) -> str:
    """What the system's routing table says about a numeric address, on one line; empty where it cannot be asked."""
    if not re.fullmatch(r"[0-9A-Fa-f:.]+(%[\w.-]+)?", host):
        return ""
    for program, *arguments in (("ip", "route", "get", host), ("route", "-n", "get", host)):
        if (path := await asyncio.to_thread(shutil.which, program)) is not None:
            return await _said(path, *arguments)
    return ""


async def _said(program: str, *arguments: str) -> str:
    """The first words of a program, or its complaint; empty where neither can be had."""
    try:
        process = await _started(program, *arguments)
    except OSError:
        return ""
    try:
        async with asyncio.timeout(_ROUTE_LIMIT):
            out, err = await process.communicate()
    except TimeoutError:
        return ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    words = " ".join((out.strip() or err.strip()).decode("utf-8", "replace").split())
    return clean_line(words.partition(" uid ")[0].partition(" cache")[0])[:_SHOWN]


async def _started(program: str, *arguments: str) -> asyncio.subprocess.Process:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(program, *arguments, stdin=nothing, stdout=pipe, stderr=pipe)


# --- keys --------------------------------------------------------------------------------------------------------


async def _public_halves(failure: Failure) -> Refinement:
    """A .pub file that holds another key than its private half: ssh(1) would show the wrong one."""
    wrong = await asyncio.to_thread(_mismatched, failure.hop.identity_files[:_MOST_KEYS])
    if not wrong:
        return Refinement()
    told = ", ".join(f"{shorten(path)}.pub holds another key than {shorten(path)}" for path in wrong)
    shown = shell_word(shorten(wrong[0]))
    text = "Write the public half anew, and have that one added on the host."
    return Refinement({"public_half": clean_line(told)}, (Advice(text, f"ssh-keygen -y -f {shown} > {shown}.pub"),))


def _mismatched(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if _differs(path)]


def _differs(path: Path) -> bool:
    try:
        beside = public_line(path.with_name(f"{path.name}.pub").read_bytes()[:_MOST_BYTES])
        own = public_half(path.read_bytes()[:_MOST_BYTES])
    except OSError:
        return False
    return beside is not None and own is not None and beside != own
