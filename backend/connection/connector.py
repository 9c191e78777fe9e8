"""The seam: what the program above needs from a network, as Protocols and frozen values.

Real hosts stand behind it (`backend.connection.ssh`), and so does the simulated world. No asyncssh type passes through
here, and nothing above knows which of the two it talks to. Remote names, commands and output are bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from enum import Enum, StrEnum
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from backend.connection.interaction import Interaction
from backend.connection.streams import ByteStream as ByteStream
from backend.connection.streams import OnIncoming, RemoteListener
from backend.connection.target import Hop, Target
from backend.dataclass import dataclass
from backend.errors import FairleadError, LinkLost

# --- how a connection comes about -------------------------------------------------------------------------------


class Phase(StrEnum):
    """The steps of one hop's connection, in order; also the rungs of the ladder that concern connecting."""

    NAME = "name"
    TCP = "tcp"
    BANNER = "banner"
    KEX = "kex"
    HOST_KEY = "host_key"
    AUTH = "auth"


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A hop has entered a phase."""

    hop: Hop
    phase: Phase


@dataclass(frozen=True, slots=True)
class PhasePassed:
    """A hop has left a phase successfully."""

    hop: Hop
    phase: Phase
    seconds: float
    """Time spent in the phase, without the time a person took to answer."""
    evidence: Mapping[str, str] = field(default_factory=dict)
    """What was seen, cleaned: addresses, banner, algorithms, fingerprint, method."""
    shared: bool = False
    """It was passed for another connection, or another name, which this one shares."""


@dataclass(frozen=True, slots=True)
class PhaseFailed:
    """A hop has failed in a phase; the error is also raised from `connect`."""

    hop: Hop
    phase: Phase
    seconds: float
    error: FairleadError


PhaseEvent = PhaseStarted | PhasePassed | PhaseFailed
Observer = Callable[[PhaseEvent], None]
"""Called in the event loop for every phase of every hop, in order. It must not block and must not raise."""


class Gate(Protocol):
    """One route's turn to talk to the person or to log in, where several routes to a host are tried at once.

    Taken before a question and before a hop's first authentication request, so that nobody is asked twice and no login
    is wasted. Given back when a hop has failed, or is a jump host and logged in.
    """

    async def take(self) -> None:
        """Wait for the turn; returns at once to whoever has it already."""
        ...

    async def admit(self, hop: Hop) -> None:
        """Asked before anything is shown to `hop`'s login. Raises AuthError where nothing may be tried now."""
        ...

    def release(self) -> None:
        """Let another route have it; harmless without it."""
        ...


class Connector(Protocol):
    """Makes connections."""

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> Link:
        """One authenticated connection to `target` over its route, built hop by hop.

        Every hop's host key is checked before anything secret is sent to it. Cancelling closes what was opened.
        Raises a located ConnectError, HostKeyError or AuthError; never another type.
        """
        ...


# --- a connection ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What is known about a live connection."""

    host: str
    user: str
    address: str
    """Numeric address and port of the last hop, as `10.0.4.7:22`."""
    route: tuple[str, ...]
    """Names of the jump hosts passed, outermost first; empty when direct."""
    server_version: str
    """The server's identification, as `OpenSSH_9.6`."""
    kex: str
    cipher: str
    """From server to client."""
    mac: str
    host_key: str
    """Fingerprint, as `SHA256:…`."""
    auth_method: str
    """`publickey`, `password`, `keyboard-interactive`, `none`."""
    auth_detail: str = ""
    """Which key, and where it came from; empty for passwords."""
    login_repeats: bool = True
    """Whether the same login, on every hop, can be made again without asking a person."""
    ciphers_offered: tuple[str, ...] = ()
    """What the server can send with; empty where that is not known."""
    first: str = ""
    """The other name of the same machine under which the connection was made; empty where it is the link's own."""


class StdStream(Enum):
    """Which of a process's two outputs a chunk came from. With a PTY there is only OUT."""

    OUT = 1
    ERR = 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some output, as it arrived."""

    stream: StdStream
    data: bytes


@dataclass(frozen=True, slots=True)
class PtySize:
    """A terminal's size in character cells."""

    columns: int = 80
    rows: int = 24


@dataclass(frozen=True, slots=True)
class PtyRequest:
    """A pseudo-terminal for a process (RFC 4254 §6.2)."""

    term: str = "xterm-256color"
    size: PtySize = PtySize()
    window: int | None = None
    """Bytes of output that may be under way: few where somebody watches, whose ctrl+c should show soon. None: as many
    as for any process."""


@dataclass(frozen=True, slots=True)
class ExitReport:
    """How a remote process ended (RFC 4254 §6.10). Both None: the server closed the channel without saying."""

    status: int | None = None
    """0 to 255."""
    signal: str | None = None
    """Without SIG, as `TERM`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands among all that its connection runs: commands, shells and file channels."""

    before: int
    """Of those, how many were begun before it and have not ended."""
    after: int
    """How many were begun after it."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Bytes that may be under way in a channel before the receiver has said that it takes more (RFC 4254 §5.2)."""

    ours: int
    """From the far end to here."""
    theirs: int


@runtime_checkable
class Windowed(Protocol):
    """A process or file channel that knows the windows its channel was opened with."""

    @property
    def windows(self) -> Windows | None:
        """None where they are not known."""
        ...


class RemoteProcess(Protocol):
    """A command or shell that runs on the other side. Use it as an async context manager, or close it."""

    def output(self) -> AsyncIterator[Chunk]:
        """Both streams in order of arrival, until both have ended. Iterated once, by one consumer.

        The remote is held back while nobody reads (at most one window is buffered). Raises LinkLost when the
        connection ends first: what was yielded before is all that is known.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Send `data` to the process's stdin; returns when there is room for more. Raises LinkLost or SessionError."""
        ...

    async def write_eof(self) -> None:
        """End the process's stdin."""
        ...

    def resize(self, size: PtySize) -> None:
        """Tell the remote terminal its new size; without a PTY nothing happens."""
        ...

    def send_signal(self, signal: str) -> None:
        """Ask the server to signal the process (`TERM`, `KILL`, `INT`); servers may ignore this."""
        ...

    def place(self) -> Place | None:
        """Where it stands now; None where it has ended, or where the order says nothing about the host's processes."""
        ...

    async def wait(self) -> ExitReport:
        """How the process ended; needs `output` to be read or closed. Raises LinkLost when the link went first."""
        ...

    async def close(self) -> None:
        """Close the channel; bounded, never raises. The remote process may live on if it ignores the hang-up."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


# --- files -------------------------------------------------------------------------------------------------------


class FileKind(StrEnum):
    """What a directory entry is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    SPECIAL = "special"
    """FIFO, socket, device: never copied, always counted."""
    UNKNOWN = "unknown"
    """The server did not say."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a server tells about one file. None where it did not tell."""

    kind: FileKind
    size: int | None = None
    """Bytes."""
    mode: int | None = None
    """Permission bits with set-id and sticky, `0o7777` at most."""
    uid: int | None = None
    gid: int | None = None
    modified: float | None = None
    """Seconds since 1970, UTC."""
    owner: str = ""
    """Owner's name where the server tells it (long names of SFTP v3), cleaned."""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory."""

    name: bytes
    """A single component, as the server sent it: hostile until checked."""
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Space:
    """Room on a file system, in bytes, as an unprivileged user may use it."""

    total: int
    free: int
    files_free: int | None = None


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What one request may carry (`limits@openssh.com`)."""

    read: int = 32768
    """Bytes of one read."""
    write: int = 32768
    open_files: int = 64


class OpenMode(Enum):
    """How a remote file is opened."""

    READ = "read"
    CREATE = "create"
    """For writing, made if absent, cut to nothing if present."""
    UPDATE = "update"
    """For reading and writing at offsets; kept, and NOT_FOUND if absent."""
    EXCLUSIVE = "exclusive"
    """For writing; EXISTS if present."""


class RemoteFile(Protocol):
    """An open remote file. Reads and writes name their offset, so several may be under way at once."""

    async def read(self, offset: int, size: int) -> bytes:
        """Between 1 and `size` bytes from `offset` (servers may give fewer); empty only at the end of the file."""
        ...

    async def write(self, offset: int, data: bytes) -> None:
        """All of `data` at `offset`; returns when the server has confirmed it."""
        ...

    async def attributes(self) -> Attributes: ...

    async def truncate(self, size: int) -> None: ...

    async def copy_from(self, source: RemoteFile, offset: int, size: int) -> bool:
        """Have the server copy `size` bytes at `offset` of `source`, open in the same channel, to the same offset here.

        As many as there are, where there are fewer (`copy-data`, draft-ietf-secsh-filexfer-extensions-00 §7). False
        where the server cannot; then nothing was done.
        """
        ...

    async def sync(self) -> bool:
        """Ask the server to put the file on its disk (`fsync@openssh.com`); False where it cannot be asked."""
        ...

    async def finish(self) -> None:
        """After the writes, those under way included: `sync` where it can be asked for, then close.

        Raises what a server says only now (a full disk or a quota of a network file system), or LinkLost.
        """
        ...

    async def close(self) -> None:
        """Bounded; never raises."""
        ...


class FileChannel(Protocol):
    """The SFTP channel of a link (draft-ietf-secsh-filexfer-02). Paths are bytes with `/`, absolute or from home.

    Every method raises FileError (with the code that fits, `FILE_FAILED` where the server says only "Failure") or
    LinkLost.
    """

    @property
    def limits(self) -> FileLimits: ...

    @property
    def ended(self) -> bool:
        """Whether it is of no more use: closed, or ended by the server, whose SFTP process may die while the link
        lives."""
        ...

    async def resolve(self, path: bytes) -> bytes:
        """The absolute path, as the server sees it (SSH_FXP_REALPATH). `b"."` is the home directory."""
        ...

    async def stat(self, path: bytes) -> Attributes:
        """Follows symbolic links."""
        ...

    async def lstat(self, path: bytes) -> Attributes: ...

    def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        """The directory's entries in batches as they arrive, without `.` and `..`; attributes come with them."""
        ...

    async def open(self, path: bytes, mode: OpenMode, permissions: int | None = None) -> RemoteFile:
        """`permissions` is the mode of a file that gets made (the server's umask applies)."""
        ...

    async def mkdir(self, path: bytes, permissions: int | None = None) -> None: ...

    async def rmdir(self, path: bytes) -> None: ...

    async def remove(self, path: bytes) -> None:
        """One file or link."""
        ...

    async def rename(self, old: bytes, new: bytes) -> None:
        """EXISTS when `new` is there."""
        ...

    async def replace(self, old: bytes, new: bytes) -> None:
        """Rename in one step over whatever file is there (`posix-rename@openssh.com`).

        Where the server lacks it: the old file is moved aside, the new one put in place, then the old one removed.
        """
        ...

    async def readlink(self, path: bytes) -> bytes: ...

    async def symlink(self, link: bytes, points_to: bytes) -> None: ...

    async def hardlink(self, path: bytes, existing: bytes) -> None:
        """A second name for a file (`hardlink@openssh.com`); FILE_FAILED where the server makes none."""
        ...

    async def set_attributes(
        self,
        path: bytes,
        *,
        mode: int | None = None,
        modified: float | None = None,
        owner: tuple[int, int] | None = None,
        follow: bool = True,
    ) -> None:
        """`owner` is user and group by number; version 3 sets both or neither."""
        ...

    async def account_names(
        self, users: Sequence[int], groups: Sequence[int]
    ) -> tuple[Mapping[int, str], Mapping[int, str]]:
        """The names that the server knows for the numbers of users and groups (`users-groups-by-id@openssh.com`).

        Empty where it cannot be asked; a number without a name is left out. Names are cleaned.
        """
        ...

    async def space(self, path: bytes) -> Space | None:
        """Room on the file system of `path` (`statvfs@openssh.com`); None where the server cannot say."""
        ...

    async def close(self) -> None:
        """Bounded; never raises."""
        ...


class Link(Protocol):
    """One authenticated connection to one host."""

    @property
    def facts(self) -> LinkFacts: ...

    async def open_process(
        self,
        command: bytes | None,
        *,
        pty: PtyRequest | None = None,
        env: Mapping[str, str] | None = None,
        window: int | None = None,
    ) -> RemoteProcess:
        """Start `command` through the login shell, or the shell itself for None. Raises SessionError or LinkLost.

        `env` is asked for; a server may ignore it (AcceptEnv). `window`: bytes of output that may be under way, for one
        that sends much; a terminal's own is in `pty`.
        """
        ...

    async def open_files(self) -> FileChannel:
        """A new SFTP channel. Raises SessionError (SFTP_UNAVAILABLE, SHELL_NOISE) or LinkLost."""
        ...

    async def open_stream(self, host: str, port: int) -> ByteStream:
        """A TCP connection from the far end. Raises ConnectError (JUMP_FAILED), SessionError (FORWARD_PROHIBITED)."""
        ...

    async def open_unix(self, path: str) -> ByteStream:
        """A connection from the far end to a Unix-domain socket of its own (`direct-streamlocal@openssh.com`).

        Raises as `open_stream`.
        """
        ...

    async def listen(self, host: str, port: int, on_incoming: OnIncoming) -> RemoteListener:
        """Have the far end listen for us (RFC 4254 §7.1). `host` is one of its addresses or names, `localhost` for its
        loopback, empty for all; the server may bind to loopback whatever is asked (GatewayPorts). Port 0: any free one.

        Raises SessionError LISTEN_PROHIBITED or LISTEN_FAILED, or LinkLost.
        """
        ...

    async def listen_unix(self, path: str, on_incoming: OnIncoming) -> RemoteListener:
        """As `listen`, on a Unix-domain socket that the server makes (`streamlocal-forward@openssh.com`)."""
        ...

    @property
    def is_up(self) -> bool:
        """Whether the connection is there, though this link may be closed, and others use it."""
        ...

    def share(self, target: Target) -> Link | None:
        """Another link over the same connection, to the same machine as the same user, which `target` calls by another
        name. What is opened on each is its own, and so is its end; the connection is closed with the last of them.

        None where the connection is not up.
        """
        ...

    @property
    def others(self) -> tuple[str, ...]:
        """The names of the other links over the same connection."""
        ...

    async def ping(self) -> float:
        """Round trip in seconds of a global request, whatever else is under way. Raises LinkLost."""
        ...

    @property
    def carries(self) -> int:
        """How many processes, file channels, streams and ports are open on it; after its end, how many were then."""
        ...

    @property
    def lost(self) -> FairleadError | None:
        """Why the link ended; None while it lives and after `close`."""
        ...

    def closed(self) -> Awaitable[FairleadError | None]:
        """Completes when the link has ended, with the reason, or None after `close`."""
        ...

    async def close(self, because: LinkLost | None = None) -> None:
        """Say goodbye and close, jump hosts of this link included; bounded, never raises. Where there are `others`,
        only what is open on this link is closed, and told that.

        `because`: the connection is given up for this reason, which is then why it was lost, for the others as well;
        what is under way on it is told that.
        """
        ...
