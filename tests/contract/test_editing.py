"""Editing a host's file: as who is logged in over every kind of link, and as root by a real sudo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from backend.commands.elevation.elevation import Elevation
from backend.commands.sudo import Sudo
from backend.connection.session import Session
from backend.connection.vault import Vault
from backend.errors import Code, FileError
from backend.files.edit_ends import PlainEnd, RootEnd
from backend.files.editing import Check, Conflict, RemoteEdit, Saved, check_for, unified
from backend.files.private_copy import leftovers
from backend.files.remote import RemoteFileSystem
from tests.contract.test_file_systems import Desk, LinkedSession
from tests.support.worlds import TIERS, Person, Rig, rig_of

_WHERE = [f"{who} on {tier}" if who == "root" else tier for who in ("self", "root") for tier in TIERS]
_PARAMETERS = [pytest.param(where, marks=pytest.mark.sshd if "sshd" in where else ()) for where in _WHERE]


class Office(Desk):
    """A desk, an end to edit by, and room for the copies."""

    def __init__(self, rig: Rig, session: LinkedSession, *, as_root: bool) -> None:
        super().__init__(RemoteFileSystem(cast(Session, session)), rig.work)
        elevation = Elevation(cast(Session, session), interaction=Person(), vault=Vault())
        sudo = Sudo(elevation, session.host)
        self.end = RootEnd(sudo, self.files) if as_root else PlainEnd(self.files, session.link)
        self.as_root = as_root
        self.room = rig.directory / "edits"

    async def begin(self, *names: bytes) -> RemoteEdit:
        return await RemoteEdit.begin(self.end, self.at(*names), self.room)


@pytest.fixture(params=_PARAMETERS)
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    who, _, tier = request.param.rpartition(" on ")
    async with rig_of(tier, tmp_path) as rig:
        link = await rig.connector.connect(rig.target, Person(), rig.phases.append)
        channel = await link.open_files()
        yield Office(rig, LinkedSession(rig, link, channel), as_root=who == "root")
        await channel.close()
        await link.close()


def type_into(edit: RemoteEdit, content: bytes) -> None:
    edit.copy.path.write_bytes(content)


async def test_what_is_typed_takes_the_name_with_mode_and_owner_kept(office: Office) -> None:
    path = await office.write(b"old\n", b"app.conf")
    await office.files.chmod(path, 0o640)
    before = await office.files.stat(path)
    edit = await office.begin(b"app.conf")
    assert not await edit.changed()
    type_into(edit, b"new\n" * 50_000)
    assert await edit.save() == Saved(path)
    after = await office.files.stat(path)
    assert await office.read(path) == b"new\n" * 50_000
    assert (after.mode, after.uid, after.gid) == (before.mode, before.uid, before.gid)
    assert await office.names() == {b"app.conf"}
    assert not await edit.changed()
    await edit.close()


async def test_the_copy_here_is_private_and_goes_when_it_is_done(office: Office) -> None:
    await office.write(b"secret\n", b"key file.pem")
    edit = await office.begin(b"key file.pem")
    assert edit.copy.path.name == "key file.pem"
    assert edit.copy.path.stat().st_mode & 0o777 == 0o600
    assert edit.copy.path.parent.stat().st_mode & 0o777 == 0o700
    edit.copy.path.with_name("key file.pem~").write_text("an editor's own copy")
    await edit.close()
    assert list(office.room.iterdir()) == []


async def test_a_copy_that_was_kept_is_found_again(office: Office) -> None:
    await office.write(b"x", b"app.conf")
    edit = await office.begin(b"app.conf")
    await edit.close(keep=True)
    assert leftovers(office.room) == [edit.copy.path]


async def test_somebody_elses_change_is_a_conflict_and_nothing_is_written(office: Office) -> None:
    path = await office.write(b"one\n", b"shared")
    edit = await office.begin(b"shared")
    type_into(edit, b"mine\n")
    await office.write(b"two\n", b"shared")
    conflict = await edit.save()
    assert isinstance(conflict, Conflict) and not conflict.gone
    assert await office.read(path) == b"two\n"
    assert list(await edit.difference(conflict.theirs))[-2:] == ["-two", "+mine"] or "+mine" in list(
        await edit.difference(conflict.theirs)
    )
    saved = await edit.save(over=conflict.theirs)
    assert isinstance(saved, Saved)
    assert await office.read(path) == b"mine\n"


async def test_only_the_version_that_was_seen_is_overwritten(office: Office) -> None:
    path = await office.write(b"one", b"shared")
    edit = await office.begin(b"shared")
    type_into(edit, b"mine")
    await office.write(b"two", b"shared")
    conflict = await edit.save()
    assert isinstance(conflict, Conflict)
    await office.write(b"three", b"shared")
    again = await edit.save(over=conflict.theirs)
    assert isinstance(again, Conflict) and again.theirs.content == b"three"
    assert await office.read(path) == b"three"


async def test_a_file_that_was_removed_meanwhile_is_a_conflict(office: Office) -> None:
    path = await office.write(b"one", b"shared")
    edit = await office.begin(b"shared")
    type_into(edit, b"mine")
    await office.files.remove(path)
    conflict = await edit.save()
    assert isinstance(conflict, Conflict) and conflict.gone
    assert isinstance(await edit.save(over=conflict.theirs), Saved)
    assert await office.read(path) == b"mine"


async def test_a_touch_alone_is_no_conflict(office: Office) -> None:
    path = await office.write(b"one", b"shared")
    edit = await office.begin(b"shared")
    type_into(edit, b"mine")
    await office.files.set_modified(path, 1_700_000_000.0)
    assert isinstance(await edit.save(), Saved)


async def test_what_is_on_the_host_already_counts_as_saved(office: Office) -> None:
    await office.write(b"one", b"shared")
    edit = await office.begin(b"shared")
    type_into(edit, b"mine")
    await office.write(b"mine", b"shared")
    assert isinstance(await edit.save(), Saved)


async def test_it_may_be_saved_beside(office: Office) -> None:
    await office.write(b"one", b"a.conf")
    await office.write(b"", b"a (2).conf")
    edit = await office.begin(b"a.conf")
    type_into(edit, b"mine")
    saved = await edit.save_beside()
    assert saved.path == office.at(b"a (3).conf")
    assert await office.read(saved.path) == b"mine"
    assert await office.read(office.at(b"a.conf")) == b"one"


async def test_a_new_file_begins_empty_and_comes_with_the_first_save(office: Office) -> None:
    edit = await office.begin(b"new.txt")
    assert edit.is_new
    type_into(edit, b"hello")
    assert isinstance(await edit.save(), Saved)
    assert await office.read(office.at(b"new.txt")) == b"hello"


async def test_the_target_of_a_link_is_edited_and_the_link_stays(office: Office) -> None:
    await office.files.mkdir(office.at(b"real"))
    await office.write(b"one", b"real", b"conf")
    await office.files.symlink(office.at(b"conf"), b"real/conf")
    edit = await office.begin(b"conf")
    type_into(edit, b"mine")
    assert isinstance(await edit.save(), Saved)
    assert await office.files.readlink(office.at(b"conf")) == b"real/conf"
    assert await office.read(office.at(b"real", b"conf")) == b"mine"


@pytest.mark.parametrize("name", [b"caf\xe9", b"two\nlines", b"-rf", b"'; rm -rf ~; '"])
async def test_hostile_names_are_edited(office: Office, name: bytes) -> None:
    await office.write(b"\x00\xff\n", name)
    edit = await office.begin(name)
    type_into(edit, b"\xfe\x00 bytes\r\n")
    assert isinstance(await edit.save(), Saved)
    assert await office.read(office.at(name)) == b"\xfe\x00 bytes\r\n"


async def test_directories_are_refused(office: Office) -> None:
    await office.files.mkdir(office.at(b"d"))
    with pytest.raises(FileError) as caught:
        await office.begin(b"d")
    assert caught.value.code is Code.IS_DIRECTORY


# --- checks ------------------------------------------------------------------------------------------------------


async def test_a_check_with_a_place_for_the_file_judges_before_the_name_is_taken(office: Office) -> None:
    path = await office.write(b"good\n", b"conf")
    edit = await office.begin(b"conf")
    type_into(edit, b"bad\n")
    with pytest.raises(FileError) as caught:
        await edit.save(Check("grep -q good {}"))
    assert caught.value.code is Code.CHECK_FAILED
    assert await office.read(path) == b"good\n"
    assert await office.names() == {b"conf"}
    type_into(edit, b"good as well\n")
    assert await edit.save(Check("grep -q good {}")) == Saved(path)


async def test_a_check_that_needs_the_name_puts_the_old_content_back(office: Office) -> None:
    path = await office.write(b"good\n", b"conf")
    check = Check(f"grep good {path.decode()}")
    edit = await office.begin(b"conf")
    type_into(edit, b"bad\n")
    with pytest.raises(FileError) as caught:
        await edit.save(check)
    assert caught.value.code is Code.CHECK_FAILED
    assert await office.read(path) == b"good\n"
    type_into(edit, b"still good\n")
    saved = await edit.save(check)
    assert isinstance(saved, Saved) and saved.notes
    assert await office.read(path) == b"still good\n"


async def test_a_new_file_that_its_check_refuses_is_not_there(office: Office) -> None:
    edit = await office.begin(b"conf")
    type_into(edit, b"bad\n")
    with pytest.raises(FileError):
        await edit.save(Check("false"))
    assert await office.names() == set()


async def test_what_a_check_says_is_told(office: Office) -> None:
    await office.write(b"x", b"conf")
    edit = await office.begin(b"conf")
    type_into(edit, b"bad\n")
    with pytest.raises(FileError) as caught:
        await edit.save(Check("echo line 7: unexpected end; echo of file >&2; test -z {}"))
    assert "line 7" in caught.value.evidence["output"] and "of file" in caught.value.evidence["output"]


def test_the_first_pattern_that_fits_is_a_profiles_check() -> None:
    checks = {"/etc/nginx/*": "nginx -t", "*.py": "python3 -m py_compile {}"}
    assert check_for(checks, b"/etc/nginx/sites/shop") == Check("nginx -t")
    assert check_for(checks, b"/srv/a.py") == Check("python3 -m py_compile {}")
    assert check_for(checks, b"/srv/nginx") is None


def test_a_difference_is_clean_and_no_text_is_said_to_be_none() -> None:
    assert any("+b" in line for line in unified(b"a\x1b[31m\n", b"b\n"))
    assert not any("\x1b" in line for line in unified(b"a\x1b[31m\n", b"b\n"))
    assert "no text" in unified(b"\0", b"a")[0]
