"""What only a live connection can show: whether a session works, whether files can be reached, how quick it is.

Each probe is light and harmless, is bounded in time and memory, closes what it opens, returns a finding and raises
FairleadError for a broken rung.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from statistics import median

from backend.clock import Clock
from backend.connection.connector import FileChannel, Link, RemoteProcess, StdStream
from backend.connection.target import Hop
from backend.dataclass import dataclass
from backend.diagnostics.rungs import RungStatus
from backend.errors import Advice, AuthError, Code, FairleadError, LinkLost, SessionError
from backend.tasks import within
from backend.text import clean_text

SLOW_ROUND_TRIP = 0.4
"""Seconds above which a person feels every step."""
_PINGS = 3
_OUTPUT_LIMIT = 64 << 10
_SHOWN = 200
_PASSWORD_EXPIRED = b"Password change required"
"""What OpenSSH says to a command where PAM calls the password expired (`session.c:do_pwchange`)."""
_FILES_ONLY = b"allows sftp connections only"
"""What OpenSSH answers where `ForceCommand internal-sftp` admits nothing else (sshd_config(5))."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found where nothing is broken."""

    summary: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    warning: FairleadError | None = None

    @property
    def status(self) -> RungStatus:
        return RungStatus.PASS if self.warning is None else RungStatus.WARN


@dataclass(slots=True)
class _Said:
    """What a command printed, up to a limit."""

    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)


async def probe_session(link: Link, hop: Hop, marker: str, clock: Clock) -> Finding:
    """Run `echo MARKER` and look at what comes back. Raises SessionError when it does not: SESSION_REFUSED; NO_ANSWER
    where not a word comes.

    Text beside the marker comes from login files and breaks what programs say to each other: a warning.
    """
    said = _Said()
    limit = hop.timeouts.channel
    try:
        ended = await within(limit, _say(link, marker, said), clock)
    except TimeoutError:
        if not said.out.strip() and not said.err.strip():
            raise _no_answer(hop, limit) from None
        ended = f"gave no answer within {limit:g} s"
    found, noise = _split_at_marker(bytes(said.out), marker.encode())
    if not found:
        return _refusal(hop, said, ended)
    evidence = {"answer": "echo came back"} | ({"stderr": _shown(said.err)} if said.err.strip() else {})
    if noise:
        return Finding(_shown(noise), evidence, shell_noise(hop, _shown(noise)))
    return Finding("a command runs", evidence)


async def probe_files(link: Link, hop: Hop, clock: Clock) -> Finding:
    """Open the SFTP channel, ask for the home directory and the room there. Raises SessionError or FileError."""
    limit = hop.timeouts.channel
    try:
        return await within(limit, _look_at_home(link), clock)
    except TimeoutError:
        reason = f"it gave no answer within {limit:g} s"
        raise SessionError(Code.SFTP_UNAVAILABLE, evidence={"reason": reason}, host=hop.name) from None


async def probe_performance(link: Link, hop: Hop, handshake: Mapping[str, float], clock: Clock) -> Finding:
    """Three round trips, and where the time of the handshake went (`handshake`: seconds by phase).

    Raises LinkLost (KEEPALIVE_LOST) when no answer comes.
    """
    limit = hop.timeouts.channel
    try:
        trips = [await within(limit, link.ping(), clock) for _ in range(_PINGS)]
    except TimeoutError:
        raise LinkLost(Code.KEEPALIVE_LOST, evidence={"seconds": f"{limit:g}"}, host=hop.name) from None
    middle = median(trips)
    evidence = {
        "rtt_ms": f"{middle * 1000:.1f}",
        "pings_ms": " ".join(f"{trip * 1000:.1f}" for trip in trips),
        "handshake_ms": " ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in handshake.items()),
        "cipher": link.facts.cipher,
    }
    summary = f"round trip {middle * 1000:.0f} ms"
    if middle <= SLOW_ROUND_TRIP:
        return Finding(summary, evidence)
    slow = FairleadError(Code.SLOW_LINK, evidence={"rtt": f"{middle * 1000:.0f}"}, host=hop.name)
    return Finding(summary, evidence, slow)


def shell_noise(hop: Hop, noise: str) -> SessionError:
    """The error for login files that print `noise`."""
    return SessionError(Code.SHELL_NOISE, evidence={"user": hop.user, "noise": noise}, host=hop.name)


def _no_answer(hop: Hop, limit: float) -> SessionError:
    told = {"seconds": f"{limit:g}", "remote": "echo, which was started", "link": "it is up"}
    return SessionError(Code.NO_ANSWER, evidence=told, host=hop.name)


async def _say(link: Link, marker: str, said: _Said) -> str:
    """Run the echo; how it ended, as a phrase."""
    async with await link.open_process(b"echo " + marker.encode()) as process:
        await process.write_eof()
        if not await _collect(process, said):
            return "went on printing"
        report = await process.wait()
    if report.signal is not None:
        return f"ended by signal {report.signal}"
    return f"ended with status {report.status}" if report.status is not None else "ended without a status"


async def _collect(process: RemoteProcess, said: _Said) -> bool:
    """Take in what it prints; False when that is more than anybody needs."""
    async for chunk in process.output():
        into = said.out if chunk.stream is StdStream.OUT else said.err
        into += chunk.data[: _OUTPUT_LIMIT - len(into)]
        if len(into) >= _OUTPUT_LIMIT:
            return False
    return True


def _split_at_marker(out: bytes, marker: bytes) -> tuple[bool, bytes]:
    """Whether the marker is there, and what stands beside it; the marker's own line end does not count."""
    before, found, after = out.partition(marker)
    after = after.removeprefix(b"\r").removeprefix(b"\n")
    return bool(found), before + after


def _refusal(hop: Hop, said: _Said, ended: str) -> Finding:
    """No marker came back: raises, except where the account is meant for files only."""
    text = _shown(said.out.strip() or said.err.strip())
    says = f"it says “{text}” and {ended}" if text else f"the command {ended} without a word"
    evidence = {"reason": says, "answer": text, "ended": ended}
    error = SessionError(Code.SESSION_REFUSED, evidence=evidence, host=hop.name)
    if _FILES_ONLY in said.out + said.err:
        return Finding("for files only: commands are refused", evidence, error)
    if _PASSWORD_EXPIRED in said.out + said.err:
        raise _password_expired(hop, evidence)
    raise error


def _password_expired(hop: Hop, evidence: Mapping[str, str]) -> AuthError:
    """The server takes the old password and then runs nothing but passwd(1), which wants a terminal."""
    steps = (
        Advice("Open a shell on the host: it asks for a new password first.", f"fairlead shell {hop.name}"),
        Advice("Then connect again with the new one."),
    )
    told = {**evidence, "user": hop.user}
    return AuthError(Code.AUTH_PASSWORD_EXPIRED, evidence=told, host=hop.name, advice=steps)


async def _look_at_home(link: Link) -> Finding:
    channel = await link.open_files()
    try:
        return await _describe_home(channel, link)
    finally:
        await channel.close()


async def _describe_home(channel: FileChannel, link: Link) -> Finding:
    home = await channel.resolve(b".")
    space = await channel.space(home)
    shown = clean_text(home.decode("utf-8", "backslashreplace"))
    if space is None:
        return Finding(shown, {"home": shown, "free": "the server does not say"})
    evidence = {"home": shown, "free_bytes": str(space.free), "total_bytes": str(space.total)}
    summary = f"{shown}, {room_text(space.free)} free"
    if space.free > 0 or space.total == 0:
        return Finding(summary, evidence)
    return Finding(summary, evidence, FairleadError(Code.DISK_FULL, evidence={"path": shown}, host=link.facts.host))


def room_text(count: float) -> str:
    """Room on a disk: `19.3 GB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} PB"


def _shown(raw: bytes | bytearray) -> str:
    """The beginning of a server's words, cleaned."""
    text = clean_text(raw[: _SHOWN * 4].decode("utf-8", "backslashreplace").replace("\r\n", "\n").strip())
    return text if len(text) <= _SHOWN and len(raw) <= _SHOWN * 4 else text[:_SHOWN] + "…"
