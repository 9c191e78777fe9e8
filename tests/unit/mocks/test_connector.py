"""The simulated connector: phases, faults and their codes, time on the wire, jumps, and links that break."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backend.connection.connector import Chunk, OpenMode, Phase, PhaseEvent, PhaseFailed, PhasePassed
from backend.connection.interaction import HostKeyDecision
from backend.connection.target import Hop, Target, Timeouts
from backend.connection.vault import Vault
from backend.errors import Code, ConnectError, FairleadError, FileError, LinkLost, SessionError
from mocks.clock import VirtualClock
from mocks.connector import SimulatedConnector
from mocks.content import Content, noise
from mocks.demo.listing import PERSON_KEY
from mocks.host import Faults, Network, Question, SimulatedHost, User
from mocks.link import SimulatedLink
from mocks.nodes import File
from mocks.world import World
from tests.support.worlds import Person

PERSON = User("ada", 1000, password="right")


class Setting:
    """A world with an outer and an inner host, and somebody who trusts both."""

    def __init__(self) -> None:
        self.clock = VirtualClock(grace=0.01)
        self.outer = SimulatedHost("outer", address="192.0.2.1", users=(PERSON,), clock=self.clock)
        self.inner = SimulatedHost("inner", address="10.0.0.2", users=(PERSON,), clock=self.clock)
        self.inner.private = True
        self.world = World([self.outer, self.inner], clock=self.clock)
        self.vault = Vault()
        self.phases: list[PhaseEvent] = []
        self.person = Person(secrets=["right"] * 4, decision=HostKeyDecision.ONCE)

    def hop(self, name: str, **changes: object) -> Hop:
        hop = Hop(name, name, 22, "ada", timeouts=Timeouts(connect=5, first_byte=4, login=30))
        return replace(hop, **changes)  # type: ignore[arg-type]

    async def connect(self, *hops: Hop) -> SimulatedLink:
        connector = SimulatedConnector(self.world, vault=self.vault, clock=self.clock)
        target = Target(hops[-1].name, hops)
        return await connector.connect(target, self.person, self.phases.append)

    async def refused(self, *hops: Hop) -> FairleadError:
        with pytest.raises(FairleadError) as caught:
            await self.connect(*hops)
        return caught.value

    @property
    def passed(self) -> list[tuple[str, Phase]]:
        return [(event.hop.name, event.phase) for event in self.phases if isinstance(event, PhasePassed)]


@pytest.fixture
def setting() -> Setting:
    return Setting()


def no_name(faults: Faults) -> None:
    faults.no_name = True


def refuses(faults: Faults) -> None:
    faults.refuses = True


def drops(faults: Faults) -> None:
    faults.drops = True


def silent(faults: Faults) -> None:
    faults.silent = True


def closes(faults: Faults) -> None:
    faults.closes = True


def web_server(faults: Faults) -> None:
    faults.not_ssh = b"HTTP/1.1 400 Bad Request\r\n"


def old_kex(faults: Faults) -> None:
    faults.kex_mismatch = "diffie-hellman-group1-sha1"


def slow_login(faults: Faults) -> None:
    faults.slow_login = 60


FAULTS = [
    (no_name, Code.NAME_NOT_FOUND, Phase.NAME, 0),
    (refuses, Code.TCP_REFUSED, Phase.TCP, 0),
    (drops, Code.TCP_TIMEOUT, Phase.TCP, 5),
    (silent, Code.BANNER_SILENT, Phase.BANNER, 4),
    (closes, Code.BANNER_CLOSED, Phase.BANNER, 0),
    (web_server, Code.BANNER_NOT_SSH, Phase.BANNER, 0),
    (old_kex, Code.KEX_NO_MATCH, Phase.KEX, 0),
    (slow_login, Code.AUTH_TIMEOUT, Phase.AUTH, 30),
]


@pytest.mark.parametrize(("break_it", "code", "phase", "seconds"), FAULTS)
async def test_each_fault_has_its_code_phase_and_time(
    setting: Setting, break_it: Callable[[Faults], None], code: Code, phase: Phase, seconds: float
) -> None:
    break_it(setting.outer.faults)
    error = await setting.refused(setting.hop("outer"))
    assert (error.code, error.host) == (code, "outer")
    assert [event.phase for event in setting.phases if isinstance(event, PhaseFailed)] == [phase]
    assert setting.clock.monotonic() == pytest.approx(seconds, abs=0.01)
    assert error.message and "…" not in error.message
    assert not setting.outer.wires


@pytest.mark.parametrize(
    ("break_it", "code"),
    [(no_name, Code.JUMP_FAILED), (refuses, Code.JUMP_FAILED), (drops, Code.JUMP_FAILED), (old_kex, Code.KEX_NO_MATCH)],
)
async def test_a_fault_behind_a_jump_host_is_told_as_the_hops(
    setting: Setting, break_it: Callable[[Faults], None], code: Code
) -> None:
    break_it(setting.inner.faults)
    error = await setting.refused(setting.hop("outer"), setting.hop("inner"))
    assert error.code is code
    assert not setting.outer.wires and not setting.inner.wires


async def test_a_jump_host_may_refuse_to_pass_on(setting: Setting) -> None:
    setting.outer.faults.no_forwarding = True
    error = await setting.refused(setting.hop("outer"), setting.hop("inner"))
    assert isinstance(error, ConnectError)
    assert (error.code, error.hop) == (Code.FORWARD_PROHIBITED, "outer")


async def test_a_private_host_is_reached_through_another_only(setting: Setting) -> None:
    assert (await setting.refused(setting.hop("inner"))).code is Code.TCP_TIMEOUT
    link = await setting.connect(setting.hop("outer"), setting.hop("inner"))
    assert link.facts.route == ("outer",)
    await link.close()
    assert not setting.outer.wires and not setting.inner.wires


async def test_phases_of_every_hop_are_told_in_order(setting: Setting) -> None:
    link = await setting.connect(setting.hop("outer"), setting.hop("inner"))
    assert setting.passed == [(name, phase) for name in ("outer", "inner") for phase in Phase]
    await link.close()


async def test_a_link_ends_with_the_jump_host_it_goes_through(setting: Setting) -> None:
    link = await setting.connect(setting.hop("outer"), setting.hop("inner"))
    setting.outer.cut_links()
    reason = await link.closed()
    assert isinstance(reason, LinkLost)
    with pytest.raises(LinkLost):
        await link.ping()
    await link.close()


async def test_a_round_trip_takes_the_time_of_all_hops(setting: Setting) -> None:
    setting.outer.network = Network(round_trip=0.1)
    setting.inner.network = Network(round_trip=0.05)
    link = await setting.connect(setting.hop("outer"), setting.hop("inner"))
    assert await link.ping() == pytest.approx(0.15)
    await link.close()


async def test_requests_in_flight_share_one_round_trip_and_the_rate(setting: Setting) -> None:
    setting.outer.network = Network(round_trip=0.2, rate=1e6)
    setting.outer.add("/home/ada/f", File(0o644, content=Content(base=noise(1), size=1_000_000)))
    link = await setting.connect(setting.hop("outer"))
    files = await link.open_files()
    file = await files.open(b"f", OpenMode.READ)
    begun = setting.clock.monotonic()
    await asyncio.gather(*(file.read(offset, 100_000) for offset in range(0, 1_000_000, 100_000)))
    assert setting.clock.monotonic() - begun == pytest.approx(1.2, rel=0.15)
    await link.close()


async def test_reads_are_sometimes_short_and_never_wrong(setting: Setting) -> None:
    content = Content(base=noise(2), size=3_000_000)
    setting.outer.add("/home/ada/f", File(0o644, content=content))
    link = await setting.connect(setting.hop("outer"))
    file = await (await link.open_files()).open(b"f", OpenMode.READ)
    data, sizes = b"", []
    while piece := await file.read(len(data), 20_000):
        sizes.append(len(piece))
        data += piece
    assert data == content.read(0, 3_000_000)
    assert min(sizes[:-1]) < 20_000
    await link.close()


async def test_a_link_is_cut_after_so_many_bytes_and_the_next_one_lives(setting: Setting) -> None:
    setting.outer.add("/home/ada/f", File(0o644, content=Content(base=noise(1), size=1_000_000)))
    setting.outer.faults.cut_after = [300_000]
    first = await setting.connect(setting.hop("outer"))
    file = await (await first.open_files()).open(b"f", OpenMode.READ)
    received = 0
    with pytest.raises(LinkLost):
        while piece := await file.read(received, 50_000):
            received += len(piece)
    assert 200_000 < received <= 300_000
    assert first.lost is not None
    await first.close()
    second = await setting.connect(setting.hop("outer"))
    file = await (await second.open_files()).open(b"f", OpenMode.READ)
    received = 0
    while piece := await file.read(received, 50_000):
        received += len(piece)
    assert received == 1_000_000
    await second.close()


async def test_a_silent_link_answers_nothing_and_can_be_closed(setting: Setting) -> None:
    link = await setting.connect(setting.hop("outer"))
    setting.outer.faults.drops = True
    pinging = asyncio.create_task(link.ping())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not pinging.done()
    await link.close()
    with pytest.raises(LinkLost):
        await pinging


async def test_a_full_disk_is_told_by_its_code(setting: Setting) -> None:
    setting.outer.fill_disk(free=1000)
    link = await setting.connect(setting.hop("outer"))
    file = await (await link.open_files()).open(b"f", OpenMode.CREATE)
    await file.write(0, bytes(1000))
    with pytest.raises(FileError) as caught:
        await file.write(1000, b"x")
    assert caught.value.code is Code.DISK_FULL
    await link.close()


async def test_sessions_and_sftp_may_be_refused(setting: Setting) -> None:
    link = await setting.connect(setting.hop("outer"))
    faults = setting.outer.faults
    faults.no_sftp = True
    with pytest.raises(SessionError) as no_sftp:
        await link.open_files()
    faults.no_sftp, faults.noisy_login = False, b"Welcome!\n"
    with pytest.raises(SessionError) as noise_error:
        await link.open_files()
    faults.noisy_login, faults.refuse_sessions = b"", "no shell for you"
    with pytest.raises(SessionError) as refused:
        await link.open_process(b"true")
    codes = [caught.value.code for caught in (no_sftp, noise_error, refused)]
    assert codes == [Code.SFTP_UNAVAILABLE, Code.SHELL_NOISE, Code.SESSION_REFUSED]
    await link.close()


async def test_noisy_login_files_print_for_commands_too(setting: Setting) -> None:
    setting.outer.faults.noisy_login = b"Welcome!\n"
    link = await setting.connect(setting.hop("outer"))
    process = await link.open_process(b"printf x")
    assert b"".join([chunk.data async for chunk in process.output()]) == b"Welcome!\nx"
    await link.close()


async def test_no_more_sessions_than_the_host_allows(setting: Setting) -> None:
    setting.outer.faults.max_sessions = 2
    link = await setting.connect(setting.hop("outer"))
    first = await link.open_process(b"sleep 9000")
    await link.open_files()
    with pytest.raises(SessionError):
        await link.open_process(b"true")
    await first.close()
    await (await link.open_process(b"true")).close()
    await link.close()


async def test_too_many_wrong_tries_end_the_login(setting: Setting) -> None:
    setting.outer.faults.max_auth_tries = 2
    setting.person.secrets = ["wrong", "wrong", "right"]
    assert (await setting.refused(setting.hop("outer"))).code is Code.AUTH_TOO_MANY


async def test_an_account_without_any_secret_is_let_in(setting: Setting) -> None:
    setting.outer.users["open"] = User("open", 1007)
    link = await setting.connect(setting.hop("outer", user="open"))
    assert link.facts.auth_method == "none"
    await link.close()


async def test_rounds_of_questions_come_one_after_the_other(setting: Setting) -> None:
    rounds = ((Question("Password: ", "right"),), (Question("Code: ", "42", echo=True),))
    setting.outer.users["coded"] = User("coded", 1008, challenge=rounds)
    setting.person.answers = [("right",), ("42",)]
    link = await setting.connect(setting.hop("outer", user="coded"))
    assert [challenge.prompts[0].text for challenge in setting.person.challenges] == ["Password: ", "Code: "]
    await link.close()


async def test_a_password_that_logged_in_is_not_asked_for_again(setting: Setting) -> None:
    for _ in range(2):
        await (await setting.connect(setting.hop("outer"))).close()
    assert len(setting.person.asked) == 1


async def test_a_persons_thinking_is_no_ones_time(setting: Setting) -> None:
    class Slow(Person):
        async def host_key(self, question: object) -> HostKeyDecision:
            await setting.clock.sleep(500)
            return HostKeyDecision.ONCE

    setting.person = Slow(secrets=["right"])
    await (await setting.connect(setting.hop("outer"))).close()
    seconds = [event.seconds for event in setting.phases if isinstance(event, PhasePassed)]
    assert max(seconds) < 1


async def test_a_banner_is_announced_clean(setting: Setting) -> None:
    setting.outer.banner = "Hello \x1b[31mthere\n"
    await (await setting.connect(setting.hop("outer"))).close()
    assert setting.person.announced == ["Hello \N{REPLACEMENT CHARACTER}[31mthere\n"]


async def test_names_resolve_in_the_world_alone(setting: Setting) -> None:
    assert (await setting.refused(setting.hop("outer", address="localhost"))).code is Code.NAME_NOT_FOUND
    assert setting.world.find("OUTER.example.") is setting.outer
    assert setting.world.find("192.0.2.1") is setting.outer


async def test_output_arrives_half_a_round_trip_later_and_in_order(setting: Setting) -> None:
    setting.outer.network = Network(round_trip=1.0)
    link = await setting.connect(setting.hop("outer"))
    process = await link.open_process(b"for n in 1 2 3; do echo $n; sleep 0.1; done")
    begun = setting.clock.monotonic()
    seen: list[tuple[Chunk, float]] = [(chunk, setting.clock.monotonic() - begun) async for chunk in process.output()]
    assert [chunk.data for chunk, _ in seen] == [b"1\n", b"2\n", b"3\n"]
    assert [at for _, at in seen] == pytest.approx([0.5, 0.6, 0.7], abs=0.01)
    await link.close()


async def test_connecting_leaves_nothing_when_cancelled(setting: Setting) -> None:
    setting.outer.network = Network(round_trip=5)
    setting.clock = VirtualClock(automatic=False)
    connecting = asyncio.create_task(setting.connect(setting.hop("outer")))
    await setting.clock.advance(6)
    assert setting.outer.wires
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert not setting.outer.wires


async def test_a_key_file_logs_in_where_its_public_half_is_known(setting: Setting, tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.touch(mode=0o600)
    path.write_bytes(PERSON_KEY.openssh)
    setting.outer.users["keyed"] = User("keyed", 1009, keys=(PERSON_KEY.public_line,))
    hop = setting.hop("outer", user="keyed", identity_files=(path,), identities_named=True)
    link = await setting.connect(hop)
    assert link.facts.auth_method == "publickey" and "SHA256:" in link.facts.auth_detail
    assert not setting.person.asked
    await link.close()
