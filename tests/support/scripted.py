"""The seam by script: a process, link and connector that do what a test tells them, and note what was asked of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, cast

from backend.commands.elevation.elevation import Elevation
from backend.connection.connector import (
    ByteStream,
    Chunk,
    ExitReport,
    FileChannel,
    Gate,
    Link,
    LinkFacts,
    Observer,
    Phase,
    PhaseFailed,
    PhasePassed,
    PhaseStarted,
    Place,
    PtyRequest,
    PtySize,
    Space,
    StdStream,
)
from backend.connection.interaction import Interaction
from backend.connection.session import Session
from backend.connection.sessions import Sessions
from backend.connection.streams import OnIncoming, RemoteListener
from backend.connection.target import Hop, Target
from backend.errors import Code, ConfigError, FairleadError, LinkLost
from backend.hosts.book import HostBook, HostEntry, HostSource

FACTS = LinkFacts(
    host="web-1",
    user="deploy",
    address="192.0.2.7:22",
    route=(),
    server_version="OpenSSH_9.6",
    kex="curve25519-sha256",
    cipher="aes128-gcm@openssh.com",
    mac="",
    host_key="SHA256:abc",
    auth_method="publickey",
)


class ScriptedProcess:
    """A remote process whose output and end the test decides. `reacts` hears signals and what is typed."""

    def __init__(self, reacts: Callable[[ScriptedProcess, str], object] | None = None) -> None:
        self.written = bytearray()
        self.ended_input = False
        self.signals: list[str] = []
        self.sizes: list[PtySize] = []
        self.closed = False
        self._reacts = reacts
        self._chunks: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self._report: asyncio.Future[ExitReport] = asyncio.get_running_loop().create_future()

    def say(self, data: bytes, stream: StdStream = StdStream.OUT) -> Self:
        self._chunks.put_nowait(Chunk(stream, data))
        return self

    def end(self, status: int | None = 0, signal: str | None = None) -> Self:
        """The process exits, and both streams end."""
        self.exit(status, signal)
        self._chunks.put_nowait(None)
        return self

    def exit(self, status: int | None = 0, signal: str | None = None) -> Self:
        """The process exits; somebody else still holds its streams."""
        if not self._report.done():
            self._report.set_result(ExitReport(status, signal))
        return self

    def lose(self) -> Self:
        """The link goes."""
        if not self._report.done():
            self._report.set_exception(LinkLost(Code.CONNECTION_LOST, host="web-1"))
            self._report.exception()
        self._chunks.put_nowait(None)
        return self

    async def output(self) -> AsyncIterator[Chunk]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk
        if self._report.done():
            self._report.result()

    async def write(self, data: bytes) -> None:
        self.written += data
        if self._reacts is not None:
            self._reacts(self, data.decode("latin-1"))

    async def write_eof(self) -> None:
        self.ended_input = True

    def resize(self, size: PtySize) -> None:
        self.sizes.append(size)

    def send_signal(self, signal: str) -> None:
        self.signals.append(signal)
        if self._reacts is not None:
            self._reacts(self, signal)

    def place(self) -> Place | None:
        return None

    async def wait(self) -> ExitReport:
        return await asyncio.shield(self._report)

    async def close(self) -> None:
        self.closed = True
        if not self._report.done():
            self._report.set_result(ExitReport())
        self._chunks.put_nowait(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


Answer = Callable[[bytes], ScriptedProcess]


class ScriptedFiles:
    """As much of a file channel as a look at the home directory needs."""

    def __init__(self, home: bytes = b"/home/deploy", space: Space | None = None) -> None:
        self.closed = False
        self._home = home
        self._space = space

    async def resolve(self, path: bytes) -> bytes:
        return self._home

    async def space(self, path: bytes) -> Space | None:
        return self._space

    async def close(self) -> None:
        self.closed = True


class ScriptedLink:
    """A link whose processes come from `answer`. Errors given for a part are raised when that part is used."""

    def __init__(
        self,
        answer: Answer | None = None,
        *,
        files: ScriptedFiles | FairleadError | None = None,
        pings: Sequence[float] = (0.012,),
        facts: LinkFacts = FACTS,
    ) -> None:
        self.facts = facts
        self.commands: list[bytes] = []
        self.ptys: list[PtyRequest | None] = []
        self.processes: list[ScriptedProcess] = []
        self.was_closed = False
        self.refuses: FairleadError | None = None
        self.files = files or ScriptedFiles()
        self._answer = answer or (lambda command: ScriptedProcess())
        self._pings = deque(pings)

    async def open_process(
        self,
        command: bytes | None,
        *,
        pty: PtyRequest | None = None,
        env: Mapping[str, str] | None = None,
        window: int | None = None,
    ) -> ScriptedProcess:
        if self.refuses is not None:
            raise self.refuses
        self.commands.append(command or b"")
        self.ptys.append(pty)
        self.processes.append(self._answer(command or b""))
        return self.processes[-1]

    async def open_files(self) -> FileChannel:
        if isinstance(self.files, FairleadError):
            raise self.files
        return cast(FileChannel, self.files)

    async def open_stream(self, host: str, port: int) -> ByteStream:
        raise NotImplementedError("no test by script opens streams")

    async def open_unix(self, path: str) -> ByteStream:
        raise NotImplementedError("no test by script opens streams")

    async def listen(self, host: str, port: int, on_incoming: OnIncoming) -> RemoteListener:
        raise NotImplementedError("no test by script opens streams")

    async def listen_unix(self, path: str, on_incoming: OnIncoming) -> RemoteListener:
        raise NotImplementedError("no test by script opens streams")

    @property
    def is_up(self) -> bool:
        return self.lost is None

    def share(self, target: Target) -> Link | None:
        raise NotImplementedError("no test by script shares a link")

    @property
    def others(self) -> tuple[str, ...]:
        return ()

    async def ping(self) -> float:
        self._pings.rotate(-1)
        return self._pings[-1]

    @property
    def carries(self) -> int:
        return 0

    @property
    def lost(self) -> FairleadError | None:
        return None

    def closed(self) -> Awaitable[FairleadError | None]:
        raise NotImplementedError("no test by script waits for the link's end")

    async def close(self, because: LinkLost | None = None) -> None:
        self.was_closed = True


def nobody_else(host: str) -> Elevation:
    """For services that become no other user."""
    raise NotImplementedError("no test by script acts as another user")


class ScriptedSessions:
    """Sessions that hand out one link, or raise, or wait until they are told."""

    def __init__(self, link: Link | FairleadError) -> None:
        self.ready = asyncio.Event()
        self.ready.set()
        self.host = "web-1"
        self.target: Target | None = None
        self._link = link

    def get(self, host: str) -> Session:
        self.host = host
        return cast(Session, self)

    async def link(self) -> Link:
        await self.ready.wait()
        if isinstance(self._link, FairleadError):
            raise self._link
        return self._link

    def as_sessions(self) -> Sessions:
        return cast(Sessions, self)


def hop(name: str, *, port: int = 22, address: str | None = None, **more: object) -> Hop:
    """A hop with what tests rarely care about filled in."""
    return Hop(name, address or f"{name}.example.net", port, "deploy", source="~/.ssh/config:3", **more)  # type: ignore[arg-type]


class ScriptedBook(HostBook):
    """A host book of the given targets."""

    def __init__(self, *targets: Target) -> None:
        super().__init__(environ={})
        self._targets = {target.name: target for target in targets}

    async def list(self) -> tuple[HostEntry, ...]:
        return tuple(
            HostEntry(name, HostSource.SSH_CONFIG, address=target.host.address)
            for name, target in self._targets.items()
        )

    async def resolve(self, name: str) -> Target:
        if name not in self._targets:
            raise ConfigError(Code.HOST_UNKNOWN, host=name)
        return self._targets[name]

    async def routes(self, name: str) -> tuple[Target, ...]:
        return (await self.resolve(name),)

    async def differences(self, target: Target) -> Mapping[str, str]:
        return {}


class ScriptedConnector:
    """Passes every phase of every hop, until the one that is scripted to fail."""

    def __init__(
        self,
        link: ScriptedLink,
        *,
        fails: tuple[str, Phase, FairleadError] | None = None,
        waits: tuple[str, Phase] | None = None,
    ) -> None:
        self.attempts = 0
        self.waiting = asyncio.Event()
        self.cancelled = False
        self._link = link
        self._fails = fails
        self._waits = waits

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> Link:
        self.attempts += 1
        tell: Observer = observer or (lambda event: None)
        try:
            for index, machine in enumerate(target.hops):
                for phase in Phase:
                    if index == 0 or phase is not Phase.NAME:
                        await self._phase(machine, phase, tell)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return cast(Link, self._link)

    async def _phase(self, machine: Hop, phase: Phase, tell: Observer) -> None:
        tell(PhaseStarted(machine, phase))
        if self._waits == (machine.name, phase):
            self.waiting.set()
            await asyncio.Event().wait()
        if self._fails is not None and self._fails[:2] == (machine.name, phase):
            tell(PhaseFailed(machine, phase, 0.25, self._fails[2]))
            raise self._fails[2]
        await asyncio.sleep(0)
        tell(PhasePassed(machine, phase, 0.004, {"seen": f"{machine.name} {phase}"}))
