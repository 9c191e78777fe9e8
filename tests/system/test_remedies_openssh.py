"""Remedies over real servers, as the workbench applies them: done as advised, and then the ladder is climbed again."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.interaction import HostKeyDecision, HostKeyState
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.diagnostics.ladder import Diagnosis, Rung, RungStatus
from backend.diagnostics.remedies.model import Remedy, RemedyId
from backend.diagnostics.remedies.service import Applied, Choice
from backend.errors import Code, FileError
from backend.hosts.book import HostBook, Overrides
from backend.settings import SettingsFile
from tests.support.faulty import FAULTS, NAME, Fault
from tests.support.openssh import make_key, ssh_agent, sshd
from tests.support.person import Person
from tests.support.program import ssh_config
from tests.support.waiting import no_tasks_left

pytestmark = pytest.mark.sshd


@asynccontextmanager
async def services(directory: Path, config: str | Path, person: Person) -> AsyncIterator[Container]:
    """The services over a config.toml and an ssh configuration of their own."""
    path = directory / "ssh_config" if isinstance(config, str) else config
    if isinstance(config, str):
        path.write_text(config)
    (directory / "config.toml").write_text("")
    file = SettingsFile(directory / "config.toml", environ={})
    vault, clock = Vault(), SystemClock()
    connector = SshConnector(vault=vault, clock=clock)
    try:
        async with (
            no_tasks_left(),
            open_container(
                connector=connector,
                book=HostBook(settings=file.load(), overrides=Overrides(ssh_config=path), environ={}, file=file),
                interaction=person,
                state_dir=directory / "state",
                vault=vault,
            ) as container,
        ):
            yield container
    finally:
        await connector.close()


async def climb(container: Container, applied: Applied | None = None) -> Diagnosis:
    adjust = None if applied is None else applied.adjust
    rungs = [rung async for rung in container.diagnostics.climb(NAME, adjust=adjust)]
    return Diagnosis(NAME, tuple(rung for rung in rungs if rung.status is not RungStatus.RUNNING))


def remedy_of(diagnosis: Diagnosis, wanted: RemedyId) -> Remedy:
    broken = diagnosis.failed
    assert isinstance(broken, Rung)
    return next(remedy for remedy in broken.remedies if remedy.id is wanted)


@asynccontextmanager
async def at(name: str, tmp_path: Path, person: Person | None = None) -> AsyncIterator[tuple[Fault, Container]]:
    """The services, and one of the faulty hosts."""
    with FAULTS[name](tmp_path / "fault") as fault:
        async with services(tmp_path, fault.ssh_config, person or Person()) as container:
            yield fault, container


async def test_an_open_key_file_is_closed_and_the_ladder_is_green(tmp_path: Path, own_home: Path) -> None:
    async with at("open_key_file", tmp_path) as (fault, container):
        remedy = remedy_of(await climb(container), RemedyId.FIX_MODE)
        applied = await container.remedies.apply(remedy)
        assert stat.S_IMODE(fault.hops[0].identity_files[0].stat().st_mode) == 0o600
        assert (await climb(container, applied)).verdict == "ok"


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")  # that is why it is not allowed by itself
async def test_a_legacy_server_is_let_in_for_itself_alone(tmp_path: Path, own_home: Path) -> None:
    async with at("no_common_kex", tmp_path) as (_, container):
        applied = await container.remedies.apply(remedy_of(await climb(container), RemedyId.ALLOW_ALGORITHM))
        after = await climb(container, applied)
        kex = next(rung for rung in after.rungs if rung.id.value == "kex")
        assert (after.verdict, kex.evidence["kex"]) == ("ok", "diffie-hellman-group1-sha1")
        assert (await container.book.resolve("another")).host.algorithms.kex is None


async def test_a_changed_key_is_shown_beside_the_known_one_and_nothing_is_accepted(
    tmp_path: Path, own_home: Path
) -> None:
    person = Person(host_keys=[HostKeyDecision.REFUSE, HostKeyDecision.REFUSE])
    async with at("changed_host_key", tmp_path, person) as (_, container):
        known = (tmp_path / "fault" / "known_hosts").read_text()
        applied = await container.remedies.apply(remedy_of(await climb(container), RemedyId.SHOW_HOST_KEY))
        after = await climb(container, applied)
        assert after.code is Code.HOST_KEY_CHANGED
        question = person.questions[-1]
        assert question.state is HostKeyState.CHANGED
        assert question.known[0].fingerprint != question.fingerprint
        assert (tmp_path / "fault" / "known_hosts").read_text() == known


async def test_a_closed_port_is_tried_at_the_usual_one_for_one_attempt(tmp_path: Path, own_home: Path) -> None:
    async with at("closed_port", tmp_path) as (_, container):
        applied = await container.remedies.apply(remedy_of(await climb(container), RemedyId.DEFAULT_PORT))
        after = await climb(container, applied)
        route = next(rung for rung in after.rungs if "to" in rung.evidence)
        assert route.evidence["to"] == "127.0.0.1 port 22"
        assert (await container.book.resolve(NAME)).host.port != 22


async def test_a_key_of_the_agent_is_chosen_for_one_attempt_and_then_for_good(tmp_path: Path, own_home: Path) -> None:
    right, wrong = make_key(own_home / ".ssh" / "id_right"), make_key(tmp_path / "id_wrong")
    with sshd(tmp_path / "server") as server, ssh_agent(tmp_path, right) as socket:
        config = ssh_config(tmp_path / "ssh_config", {NAME: server}, wrong, IdentityAgent=str(socket))
        server.authorized_keys.write_text(right.with_name("id_right.pub").read_text())
        right.unlink()
        async with services(tmp_path, config, Person()) as container:
            remedy = remedy_of(await climb(container), RemedyId.CHOOSE_KEY)
            keys = await container.remedies.keys(remedy)
            chosen = next(key for key in keys if key.in_agent)
            assert chosen.path.name == "id_right.pub"
            once = await container.remedies.apply(remedy, Choice(chosen.path, keep=False))
            assert (await climb(container, once)).verdict == "ok"
            assert (await climb(container)).code is Code.AUTH_DENIED
            await container.remedies.apply(remedy, Choice(chosen.path))
            assert (await climb(container)).verdict == "ok"


async def test_what_takes_the_room_on_a_host_is_listed_and_nothing_is_removed(tmp_path: Path, own_home: Path) -> None:
    place = tmp_path / "full disk's"
    (place / "deep" / "deeper").mkdir(parents=True)
    (place / "big\x1b[31m.bin").write_bytes(b"x" * 3_000_000)
    (place / "deep" / "deeper" / "some.bin").write_bytes(b"x" * 1_000_000)
    with sshd(tmp_path / "server") as server:
        config = ssh_config(tmp_path / "ssh_config", {NAME: server}, make_key(tmp_path / "id"))
        async with services(tmp_path, config, Person()) as container:
            error = FileError(Code.DISK_FULL, evidence={"path": f"{place}/model.bin.part"}, host=NAME)
            explanation = await container.explain(error)
            [remedy] = explanation.remedies
            room = (await container.remedies.apply(remedy)).room
    assert room is not None
    assert room.biggest
    names = {big.path.decode(): big.bytes for big in room.biggest}
    if room.place == str(place).encode():  # the home directory of the account lies on another disk
        assert names["big\x1b[31m.bin"] >= 3_000_000
        assert names["deep"] >= 1_000_000
        assert room.total is not None
    assert all(big.shown.isprintable() for big in room.biggest)
    assert (place / "deep" / "deeper" / "some.bin").stat().st_size == 1_000_000
