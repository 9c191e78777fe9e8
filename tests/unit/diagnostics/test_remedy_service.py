"""Applying remedies: exactly what was said, nothing where it is refused, and what the next climb does differently."""

from __future__ import annotations

import asyncio
import os
import shlex
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from backend.connection.guard import LockoutGuard
from backend.connection.target import Target
from backend.diagnostics.remedies.case import Case
from backend.diagnostics.remedies.derive import remedies_for
from backend.diagnostics.remedies.entries import own_entry
from backend.diagnostics.remedies.key_mode import make_owner_only
from backend.diagnostics.remedies.keys import keys_at_hand
from backend.diagnostics.remedies.model import Remedy, RemedyId
from backend.diagnostics.remedies.service import Choice, Remedies
from backend.diagnostics.remedies.slow import remedied
from backend.diagnostics.remedies.space import read_room
from backend.diagnostics.slowness.judge import judge
from backend.diagnostics.slowness.report import LimitKind
from backend.errors import AuthError, Code, ConfigError, ConnectError, FairleadError, FileError
from backend.events import EventBus
from backend.hosts.book import HostBook
from backend.hosts.editor import HostEditor
from backend.settings import Settings, SettingsFile
from backend.store import Store
from mocks.clock import VirtualClock
from tests.support.openssh import make_key, ssh_agent
from tests.support.person import Person
from tests.support.program import Program
from tests.support.scripted import hop
from tests.unit.diagnostics.test_slowness_judge import CASES
from tests.unit.hosts.test_book import Written

OLD = "diffie-hellman-group14-sha1"


class Rig:
    """Remedies over a config.toml and an ssh configuration that knows `alias`."""

    def __init__(self, directory: Path, text: str = "") -> None:
        self.path = directory / "config.toml"
        self.path.write_text(text)
        file = SettingsFile(self.path, environ={})
        self.book = HostBook(settings=file.load(), source=Written(alias={"user": "theirs"}), environ={}, file=file)
        self.store = Store(directory / "state" / "fairlead.db")
        self.guard = LockoutGuard(self.store, VirtualClock())
        editor = HostEditor(book=self.book, backups=directory / "state" / "backups", bus=EventBus())
        self.remedies = Remedies(
            book=self.book,
            editor=lambda: editor,
            sessions=cast(Any, None),
            guard=self.guard,
            interaction=Person(),
            clock=VirtualClock(),
            home=directory,
        )

    async def remedy(self, host: str, error: FairleadError, wanted: RemedyId) -> Remedy:
        """The remedy for a failure at `host`."""
        at = (await self.book.routes(host))[0].host
        own = own_entry(self.book, at.name)
        return next(one for one in remedies_for(Case(error, host, at, own=own)) if one.id is wanted)

    def take_back(self, undo: str) -> None:
        """Do what the command line `undo` says, in this config.toml."""
        words = shlex.split(undo)
        assert words[0] == "fairlead"
        ran = Program(self.path.parent).run("--config", str(self.path), "--batch", "--yes", *words[1:])
        assert ran.status == 0, ran.err


@pytest.fixture
def rig(tmp_path: Path, own_home: Path) -> Rig:
    return Rig(tmp_path, '[hosts.web-1]\naddress = "192.0.2.7"   # since May\n')


# --- the mode of a key file ------------------------------------------------------------------------------------------


def test_a_key_file_of_ones_own_is_closed_to_others(tmp_path: Path) -> None:
    key = tmp_path / "id"
    key.write_text("key")
    key.chmod(0o644)
    mode = make_owner_only(key)
    assert (mode.before, mode.after) == (0o644, 0o600)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text() == "key"


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    aim = tmp_path / "aim"
    aim.write_text("theirs")
    aim.chmod(0o644)
    (tmp_path / "id").symlink_to(aim)
    with pytest.raises(FileError, match="symbolic link"):
        make_owner_only(tmp_path / "id")
    assert stat.S_IMODE(aim.stat().st_mode) == 0o644


def test_a_link_that_is_put_there_after_the_look_is_not_followed_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aim = tmp_path / "aim"
    aim.write_text("theirs")
    aim.chmod(0o644)
    (tmp_path / "id").symlink_to(aim)
    monkeypatch.setattr(Path, "is_symlink", lambda self: False)
    with pytest.raises(FileError):
        make_owner_only(tmp_path / "id")
    assert stat.S_IMODE(aim.stat().st_mode) == 0o644


@pytest.mark.parametrize("kind", ["directory", "fifo", "absent"])
def test_only_a_regular_file_is_changed_and_nothing_is_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "id"
    if kind == "directory":
        path.mkdir(mode=0o755)
    elif kind == "fifo":
        os.mkfifo(path, 0o644)
    before = path.stat().st_mode if path.exists() else None
    with pytest.raises(FileError):
        make_owner_only(path)
    assert before == (path.stat().st_mode if path.exists() else None)


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "id"
    key.write_text("key")
    key.chmod(0o644)
    owner = key.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    with pytest.raises(FileError, match="another user"):
        make_owner_only(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o644


# --- keys to choose from ---------------------------------------------------------------------------------------------


async def test_the_keys_at_hand_are_listed_with_their_fingerprints_the_untried_first(tmp_path: Path) -> None:
    for name, passphrase in (("id_tried", ""), ("id_other", ""), ("id_locked", "secret"), ("id_open", "")):
        make_key(tmp_path / name, passphrase=passphrase)
    (tmp_path / "id_open").chmod(0o644)
    (tmp_path / "config").write_text("Host *")
    (tmp_path / "notes.txt").write_text("no key")
    os.mkfifo(tmp_path / "pipe")
    found = await keys_at_hand(hop("web-1", identity_files=(tmp_path / "id_tried",)), tmp_path)
    assert [key.path.name for key in found] == ["id_locked", "id_other", "id_open", "id_tried"]
    by_name = {key.path.name: key for key in found}
    assert by_name["id_other"].fingerprint.startswith("SHA256:")
    assert by_name["id_locked"].encrypted
    assert "asks for a passphrase" in by_name["id_locked"].words
    assert "mode 0644" in by_name["id_open"].words
    assert by_name["id_open"].fingerprint.startswith("SHA256:")
    assert "tried already" in by_name["id_tried"].words


async def test_a_key_that_only_the_agent_holds_is_named_by_its_public_half(tmp_path: Path) -> None:
    key = make_key(tmp_path / "keys" / "id")
    with ssh_agent(tmp_path, key) as socket:
        key.unlink()
        found = await keys_at_hand(hop("web-1", agent_socket=socket), tmp_path / "keys")
    assert [(one.path.name, one.in_agent) for one in found] == [("id.pub", True)]


async def test_files_that_cannot_be_looked_at_are_no_keys_and_hide_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed.pub").write_text("ssh-ed25519 AAAA")
    make_key(tmp_path / "id")
    opened = Path.open

    def guarded(path: Path, *args: Any, **more: Any) -> Any:
        if path.name == "closed.pub":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **more)

    monkeypatch.setattr(Path, "open", guarded)
    found = await keys_at_hand(hop("web-1", identity_files=(tmp_path / ("x" * 300),)), tmp_path)
    assert [key.path.name for key in found] == ["id"]


async def test_without_a_directory_there_are_no_keys(tmp_path: Path) -> None:
    assert await keys_at_hand(hop("web-1"), tmp_path / "absent") == ()


# --- what is written -------------------------------------------------------------------------------------------------


async def test_a_key_is_written_into_the_entry_and_the_rest_of_it_stays(rig: Rig, tmp_path: Path) -> None:
    key = make_key(tmp_path / "id")
    remedy = await rig.remedy("web-1", AuthError(Code.AUTH_DENIED), RemedyId.CHOOSE_KEY)
    applied = await rig.remedies.apply(remedy, Choice(key))
    assert "# since May" in rig.path.read_text()
    host = (await rig.book.resolve("web-1")).host
    assert (host.identity_files, host.identities_only) == ((key,), True)
    assert applied.undo == "fairlead hosts change web-1 --clear identity_files --clear identities_only"
    assert applied.adjust is None


@pytest.mark.parametrize(
    "said",
    [
        "",
        'identity_files = ["DIRECTORY/my id", "DIRECTORY/other"]\nidentities_only = false\n',
        "identities_only = true\n",
        'algorithms = { kex = "-diffie-hellman-group1-sha1", ciphers = "^3des-cbc" }\n',
        None,
    ],
)
async def test_the_undo_that_is_told_brings_back_what_was_there(said: str | None, rig: Rig, tmp_path: Path) -> None:
    """It is told before it is agreed to, and again when it was done."""
    for name in ("my id", "other", "new id"):
        (tmp_path / name).touch(0o600)
    said = None if said is None else said.replace("DIRECTORY", str(tmp_path))
    before = "" if said is None else f'[hosts.web-1]\naddress = "192.0.2.7"   # since May\n{said}'
    host = "alias" if said is None else "web-1"
    legacy = ConnectError(Code.KEX_NO_MATCH, evidence={"kind": "key exchange", "server": OLD})
    for error, wanted in ((AuthError(Code.AUTH_DENIED), RemedyId.CHOOSE_KEY), (legacy, RemedyId.ALLOW_ALGORITHM)):
        rig = Rig(tmp_path, before)
        remedy = await rig.remedy(host, error, wanted)
        choice = Choice(tmp_path / "new id") if remedy.needs_choice else None
        applied = await rig.remedies.apply(remedy, choice)
        assert rig.path.read_text() != before
        assert applied.undo == remedy.undo
        await asyncio.to_thread(rig.take_back, applied.undo)
        assert rig.path.read_text() == before


async def test_an_entry_that_another_program_has_written_meanwhile_is_changed(rig: Rig, tmp_path: Path) -> None:
    key = make_key(tmp_path / "id")
    remedy = await rig.remedy("alias", AuthError(Code.AUTH_DENIED), RemedyId.CHOOSE_KEY)
    with rig.path.open("a") as file:
        file.write('\n[hosts.alias]\nnote = "theirs"\n')
    await rig.remedies.apply(remedy, Choice(key))
    entry = rig.book.settings.hosts["alias"]
    assert (entry.note, entry.identity_files) == ("theirs", (key,))


async def test_a_key_for_one_attempt_is_written_nowhere(rig: Rig, tmp_path: Path) -> None:
    before = rig.path.read_text()
    remedy = await rig.remedy("web-1", AuthError(Code.AUTH_DENIED), RemedyId.CHOOSE_KEY)
    applied = await rig.remedies.apply(remedy, Choice(tmp_path / "id", keep=False))
    assert rig.path.read_text() == before
    assert applied.adjust is not None
    target = Target("web-1", (hop("bastion"), hop("web-1")))
    changed = applied.adjust(target)
    assert changed.host.identity_files == (tmp_path / "id",)
    assert changed.jumps == target.jumps


async def test_without_a_choice_no_key_is_written(rig: Rig) -> None:
    remedy = await rig.remedy("web-1", AuthError(Code.AUTH_DENIED), RemedyId.CHOOSE_KEY)
    with pytest.raises(ConfigError):
        await rig.remedies.apply(remedy)


async def test_an_algorithm_is_allowed_for_one_host_and_the_next_one_is_added_to_it(rig: Rig) -> None:
    def no_match(server: str) -> ConnectError:
        return ConnectError(Code.KEX_NO_MATCH, evidence={"kind": "key exchange", "server": server})

    for name in (OLD, "diffie-hellman-group1-sha1"):
        applied = await rig.remedies.apply(await rig.remedy("web-1", no_match(name), RemedyId.ALLOW_ALGORITHM))
    assert applied.undo == f"fairlead hosts change web-1 --algorithm kex=+{OLD}"
    assert (await rig.book.resolve("web-1")).host.algorithms.kex == f"+{OLD},diffie-hellman-group1-sha1"
    assert (await rig.book.resolve("other")).host.algorithms.kex is None


async def test_a_host_of_ssh_config_gets_an_entry_that_leaves_the_rest_to_it(rig: Rig) -> None:
    error = ConnectError(Code.KEX_NO_MATCH, evidence={"kind": "host key", "server": "ssh-rsa"})
    before = (await rig.book.resolve("alias")).host
    applied = await rig.remedies.apply(await rig.remedy("alias", error, RemedyId.ALLOW_ALGORITHM))
    after = (await rig.book.resolve("alias")).host
    assert (after.address, after.user, after.port) == (before.address, before.user, before.port)
    assert after.algorithms.host_keys == "+ssh-rsa"
    assert applied.undo == "fairlead hosts remove alias"


async def test_the_defaults_of_own_entries_do_not_change_who_a_new_entry_logs_in_as(tmp_path: Path) -> None:
    rig = Rig(tmp_path, '[defaults]\nuser = "somebody"\nport = 2222\njump = "bastion"\n')
    error = ConnectError(Code.KEX_NO_MATCH, evidence={"kind": "host key", "server": "ssh-rsa"})
    before = await rig.book.resolve("alias")
    await rig.remedies.apply(await rig.remedy("alias", error, RemedyId.ALLOW_ALGORITHM))
    after = await rig.book.resolve("alias")
    assert (after.host.user, after.host.port, after.jumps) == (before.host.user, before.host.port, before.jumps)


async def test_a_typed_host_gets_an_entry_that_counts_however_it_is_typed(rig: Rig) -> None:
    error = ConnectError(Code.KEX_NO_MATCH, evidence={"kind": "cipher", "server": "3des-cbc"})
    await rig.remedies.apply(await rig.remedy("me@10.0.0.9:2022", error, RemedyId.ALLOW_ALGORITHM))
    host = (await rig.book.resolve("me@10.0.0.9:2022")).host
    assert (host.user, host.port, host.algorithms.ciphers) == ("me", 2022, "+3des-cbc")


# --- the others ------------------------------------------------------------------------------------------------------


async def test_the_usual_port_is_for_one_attempt(rig: Rig) -> None:
    error = ConnectError(Code.TCP_REFUSED, evidence={"address": "web-1", "port": 2222})
    case = Case(error, "web-1", hop("web-1", port=2222))
    applied = await rig.remedies.apply(remedies_for(case)[0])
    assert applied.adjust is not None
    assert applied.adjust(Target("web-1", (hop("web-1", port=2222),))).host.port == 22
    assert "fairlead hosts change web-1 -p 22" in applied.said
    other = remedies_for(Case(error, "alias", hop("alias", port=2222)))[0]
    assert (await rig.remedies.apply(other)).said.endswith(": fairlead hosts add alias --ssh-host alias -p 22")


async def test_a_near_name_is_the_host_that_is_climbed_next(rig: Rig) -> None:
    unknown = ConfigError(Code.HOST_UNKNOWN, host="wbe-1")
    remedy = remedies_for(Case(unknown, "wbe-1", None, ("web-1",)))[0]
    assert (await rig.remedies.apply(remedy)).host == "web-1"


async def test_unlocking_forgets_what_was_refused(rig: Rig) -> None:
    target = await rig.book.resolve("web-1")
    await rig.guard.note(target, AuthError(Code.AUTH_DENIED, evidence={"refused_secrets": "4"}, host="web-1"))
    with pytest.raises(AuthError) as held:
        await rig.guard.check(target, target.host)
    remedy = await rig.remedy("web-1", held.value, RemedyId.UNLOCK)
    assert (await rig.remedies.apply(remedy)).said == "4 refused logins are forgotten."
    assert await rig.guard.check(target, target.host) > 0
    await rig.store.close()


async def test_an_agent_of_our_own_holds_the_key_until_it_is_closed(tmp_path: Path, own_home: Path) -> None:
    key = make_key(tmp_path / "id", passphrase="open sesame")
    path = tmp_path / "config.toml"
    path.write_text(f'[hosts.web-1]\naddress = "192.0.2.7"\nidentity_files = ["{key}"]\n')
    file = SettingsFile(path, environ={})
    book = HostBook(settings=file.load(), source=Written(), file=file)
    person = Person(passphrases=["wrong", "open sesame"])
    remedies = Remedies(
        book=book,
        editor=cast(Any, None),
        sessions=cast(Any, None),
        guard=cast(Any, None),
        interaction=person,
        clock=VirtualClock(grace=0.02),
    )
    at = replace((await book.resolve("web-1")).host, identity_files=(key,))
    error = AuthError(Code.AUTH_PASSPHRASE, evidence={"path": key}, host="web-1")
    remedy = next(one for one in remedies_for(Case(error, "web-1", at)) if one.id is RemedyId.START_AGENT)
    try:
        applied = await remedies.apply(remedy)
        socket = (await book.resolve("web-1")).host.agent_socket
        assert socket is not None
        assert os.environ["SSH_AUTH_SOCK"] == str(socket)
        assert [one.in_agent for one in await keys_at_hand((await book.resolve("web-1")).host, tmp_path)] == [True]
        assert "until Fairlead ends" in applied.said
        assert [request.attempt for request in person.secrets] == [1, 2]
    finally:
        await remedies.close()
    assert "SSH_AUTH_SOCK" not in os.environ
    assert not socket.exists()


async def test_an_agent_whose_key_nobody_opened_is_ended_again(tmp_path: Path, own_home: Path) -> None:
    key = make_key(tmp_path / "id", passphrase="open sesame")
    settings = Settings()
    remedies = Remedies(
        book=HostBook(settings=settings, source=Written()),
        editor=cast(Any, None),
        sessions=cast(Any, None),
        guard=cast(Any, None),
        interaction=Person(),
        clock=VirtualClock(grace=0.02),
    )
    case = Case(AuthError(Code.AUTH_PASSPHRASE, host="web-1"), "web-1", hop("web-1", identity_files=(key,)))
    remedy = next(one for one in remedies_for(case) if one.id is RemedyId.START_AGENT)
    with pytest.raises(AuthError) as declined:
        await remedies.apply(remedy)
    assert declined.value.code is Code.DECLINED
    assert "SSH_AUTH_SOCK" not in os.environ


def test_what_takes_the_room_is_read_whatever_the_names_are() -> None:
    answer = b"place /home/me\n2048\t.\n1024\t./data\n512\t./data/\x1b[31mred\nnonsense\n-1\t./x\npartial\n"
    room = read_room(answer)
    assert (room.place, room.total, room.partial) == (b"/home/me", 2048 * 1024, True)
    assert [(big.path, big.bytes) for big in room.biggest] == [(b"data", 1 << 20), (b"data/\x1b[31mred", 1 << 19)]
    assert room.biggest[1].shown.isprintable()


# --- a slow host ------------------------------------------------------------------------------------------------------


async def quicker(rig: Rig, host: str) -> Remedy:
    """The remedy for a slow cipher of `host`."""
    at = (await rig.book.routes(host))[0].host
    slow = replace(judge(CASES[LimitKind.CIPHER]), host=host)
    return remedied(slow, at, ("aes128-gcm@openssh.com", "3des-cbc"), own_entry(rig.book, at.name)).can[0]


async def test_a_quicker_cipher_is_written_for_one_host_and_the_undo_brings_back_what_was_there(tmp_path: Path) -> None:
    rig = Rig(tmp_path, '[hosts.web-1]\naddress = "192.0.2.7"   # since May\nalgorithms = { ciphers = "3des-cbc" }\n')
    applied = await rig.remedies.apply(await quicker(rig, "web-1"))
    assert (await rig.book.resolve("web-1")).host.algorithms.ciphers == "aes128-gcm@openssh.com,3des-cbc"
    assert "# since May" in rig.path.read_text()
    assert applied.undo == "fairlead hosts change web-1 --algorithm ciphers=3des-cbc"


async def test_a_quicker_cipher_beats_the_defaults_and_the_undo_clears_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path, '[defaults]\nalgorithms = { ciphers = "3des-cbc" }\n[hosts.web-1]\naddress = "192.0.2.7"\n')
    applied = await rig.remedies.apply(await quicker(rig, "web-1"))
    assert (await rig.book.resolve("web-1")).host.algorithms.ciphers == "aes128-gcm@openssh.com,3des-cbc"
    assert applied.undo == "fairlead hosts change web-1 --clear algorithms.ciphers"
