"""Changing own entries: what a form may say, what is written, and what two writers do to each other."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import Code, ConfigError
from backend.events import EventBus
from backend.hosts.book import HostBook
from backend.hosts.draft import HostDraft, routes_in
from backend.hosts.editor import FieldError, HostEditor
from backend.hosts.entries import HostChange, HostsChanged
from backend.hosts.field_checks import check_fields
from backend.hosts.through import users_of
from backend.settings import HostOptions, HostSettings, Settings, SettingsFile
from backend.settings.writing import KEPT, ConfigFile

TEXT = """\
# mine
[profiles.lab]
user = "labrat"   # all of us

[hosts.bastion]
address = "192.0.2.1"

# the quick one
[hosts.web-1]
address = "192.0.2.7"   # since May
jump = "me@bastion:2222"
keepalive = { interval = 5 }
"""


class Rig:
    """A config.toml, a book that was read from it, and an editor of both."""

    def __init__(self, directory: Path, text: str | None = TEXT) -> None:
        self.path = directory / "config.toml"
        if text is not None:
            self.path.write_text(text)
        self.bus = EventBus()
        self.heard: list[HostsChanged] = []
        self.bus.subscribe(HostsChanged, self.heard.append)
        file = SettingsFile(self.path, environ={})
        self.book = HostBook.of_entries(file.load() if text is not None else Settings(), file=file)
        self.editor = HostEditor(book=self.book, backups=directory / "state" / "backups", bus=self.bus)

    def draft(self, name: str) -> HostDraft:
        return HostDraft.of_settings(name, self.book.settings.hosts[name])


@pytest.fixture
def rig(tmp_path: Path, own_home: Path) -> Rig:
    return Rig(tmp_path)


# --- fields ------------------------------------------------------------------------------------------------------

SETTINGS = Settings(
    profiles={"lab": HostOptions(jump="far")},
    hosts={"web-1": HostSettings(jump="me@bastion"), "bastion": HostSettings(), "far": HostSettings(jump="web-1")},
)


def sound(path: Path) -> str | None:
    return "there is no such file" if path.name == "missing" else None


@pytest.mark.parametrize(
    ("draft", "fields"),
    [
        (HostDraft(name="new", address="192.0.2.7", port="22", user="me", jump="bastion,web-1"), set()),
        (HostDraft(name="new", address="2001:db8::7"), set()),
        (HostDraft(name="new"), set()),
        (HostDraft(name=""), {"name"}),
        (HostDraft(name="a b"), {"name"}),
        (HostDraft(name="web-1"), {"name"}),
        (HostDraft(name="new", address="me@host"), {"address"}),
        (HostDraft(name="new", address="host:22"), {"address"}),
        (HostDraft(name="new", address="-oProxyCommand=x"), {"address"}),
        (HostDraft(name="new", address="h", ssh_host="h"), {"ssh_host"}),
        (HostDraft(name="new", user="a@b"), {"user"}),
        (HostDraft(name="new", user="$(x)"), {"user"}),
        (HostDraft(name="new", port="0"), {"port"}),
        (HostDraft(name="new", port="x", profile="lba"), {"port", "profile"}),
        (HostDraft(name="new", port="٣"), {"port"}),
        (HostDraft(name="new", identity_files=("here", "missing")), {"identity_files"}),
        (HostDraft(name="new", jump="a b"), {"jump"}),
        (HostDraft(name="new", jump="new"), {"jump"}),
        (HostDraft(name="bastion", jump="web-1"), {"name", "jump"}),
        (HostDraft(name="new", note="a\0b"), {"note"}),
        (HostDraft(name="new", tags=("a", "b\udcff")), {"tags"}),
        (HostDraft(name="new", note="a\nb"), {"note"}),
        (HostDraft(name="new", proxy="socks5://me@p:1080", routes=("proxy", "jump:web-1")), set()),
        (HostDraft(name="new", proxy="ftp://p", proxy_command="x %q"), {"proxy", "proxy_command"}),
        (HostDraft(name="new", routes=("dirct",)), {"routes"}),
        (HostDraft(name="new", routes=("tailscale",)), {"routes"}),
        (HostDraft(name="new", routes=("direct", "jump:a b")), {"routes"}),
        (HostDraft(name="bastion", routes=("direct", "jump:web-1")), {"name", "routes"}),
        (HostDraft(name="new", jump="new", routes=("direct",)), set()),
        (HostDraft(name="new", env={"1A": "x"}, roots={"a/b": "x", "c": ""}), {"env", "roots"}),
        (HostDraft(name="new", env={"A": "x\x1by"}), {"env"}),
        (HostDraft(name="new", forwards=("L 8080:db:80", "8080")), {"forwards"}),
        (
            HostDraft(name="new", keepalive={"interval": "x", "misses": "2.5"}),
            {"keepalive.interval", "keepalive.misses"},
        ),
        (HostDraft(name="new", timeouts={"login": "0"}, idle_close="nan"), {"timeouts.login", "idle_close"}),
        (HostDraft(name="new", timeouts={"login": "1e999"}, forwards=("x",)), {"timeouts.login", "forwards"}),
        (HostDraft(name="new", host_key="never"), {"host_key"}),
    ],
)
def test_each_field_is_told_what_is_wrong_with_it(draft: HostDraft, fields: set[str]) -> None:
    assert check_fields(draft, SETTINGS, key_problem=sound).keys() == fields


def test_a_circle_of_jump_hosts_is_told_with_its_way_round_through_profiles_too() -> None:
    draft = HostDraft(name="bastion", profile="lab")
    problems = check_fields(draft, SETTINGS, replaces="bastion", key_problem=sound)
    assert problems == {"jump": "the jump hosts go round in a circle: bastion → far → web-1 → bastion"}


def test_a_misspelt_profile_is_answered_with_the_nearest() -> None:
    problems = check_fields(HostDraft(name="new", profile="lap"), SETTINGS)
    assert problems["profile"].endswith("did you mean lab?")


def test_key_files_are_looked_for_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x")
    good, gone = str(tmp_path / "key"), str(tmp_path / "gone")
    assert check_fields(HostDraft(name="n", identity_files=(good,)), SETTINGS) == {}
    problems = check_fields(HostDraft(name="n", identity_files=(gone,)), SETTINGS)
    assert problems == {"identity_files": f"{gone}: there is no such file"}


def test_who_needs_a_host_to_be_reached_is_known() -> None:
    assert users_of("bastion", SETTINGS) == ("web-1",)
    assert users_of("far", SETTINGS) == ("profile lab",)


# --- writing -----------------------------------------------------------------------------------------------------


async def test_a_new_entry_is_written_and_known_at_once(rig: Rig) -> None:
    await rig.editor.add(HostDraft(name="new", address="192.0.2.9", port="2200", tags=("a", "b"), production=True))
    assert rig.path.read_text() == TEXT + (
        '\n[hosts.new]\naddress = "192.0.2.9"\nport = 2200\ntags = ["a", "b"]\nproduction = true\n'
    )
    assert (await rig.book.resolve("new")).host.port == 2200
    assert rig.heard == [HostsChanged("new", HostChange.ADDED)]


async def test_only_what_differs_is_written(rig: Rig) -> None:
    old = rig.draft("web-1")
    await rig.editor.change(old, replace(old, address="192.0.2.8", user="me"))
    expected = TEXT.replace("192.0.2.7", "192.0.2.8").replace(
        "keepalive = { interval = 5 }\n", 'keepalive = { interval = 5 }\nuser = "me"\n'
    )
    assert rig.path.read_text() == expected
    assert rig.heard == [HostsChanged("web-1", HostChange.CHANGED)]


TABLES = """\
[hosts.web-1]
timeouts = { connect = 5, login = 60 }   # slow link
[hosts.web-1.env]
A = "1"   # one
B = "2"   # two
"""


async def test_of_a_table_only_the_lines_that_differ_are_written(tmp_path: Path, own_home: Path) -> None:
    rig = Rig(tmp_path, TABLES)
    old = rig.draft("web-1")
    new = old.saying({"timeouts.login": "90", "env": {"A": "3", "B": "2"}, "keepalive.interval": "2.5"})
    await rig.editor.change(old, new)
    expected = TABLES.replace("login = 60", "login = 90").replace('A = "1"', 'A = "3"')
    slow = "login = 90 }   # slow link\n"
    assert rig.path.read_text() == expected.replace(slow, f"{slow}keepalive = {{ interval = 2.5 }}\n")
    await rig.editor.change(new, new.without("env").without("timeouts.connect").without("keepalive.interval"))
    assert " ".join(rig.path.read_text().split()) == "[hosts.web-1] timeouts = { login = 90 } # slow link"


async def test_others_may_change_another_part_of_a_table_meanwhile(tmp_path: Path, own_home: Path) -> None:
    rig = Rig(tmp_path, TABLES)
    old = rig.draft("web-1")
    rig.path.write_text(TABLES.replace("connect = 5", "connect = 6").replace('B = "2"', 'B = "theirs"'))
    await rig.editor.change(old, old.saying({"timeouts.login": "90", "env": {"A": "mine", "B": "2"}}))
    assert rig.draft("web-1").timeouts == {"connect": "6", "login": "90"}
    assert rig.draft("web-1").env == {"A": "mine", "B": "theirs"}
    theirs = rig.path.read_text()
    with pytest.raises(FieldError) as raised:
        await rig.editor.change(old, old.saying({"timeouts.connect": "9", "env": {"A": "1"}}))
    assert raised.value.fields.keys() == {"timeouts.connect", "env"}
    assert rig.path.read_text() == theirs


async def test_an_entry_that_is_renamed_is_renamed_in_routes_too(tmp_path: Path, own_home: Path) -> None:
    text = '[hosts.a]\naddress = "192.0.2.1"\n[hosts.b]\naddress = "h"\nroutes = ["direct", "jump:me@a:22,c"]   # two\n'
    rig = Rig(tmp_path, text)
    assert users_of("a", rig.book.settings) == ("b",)
    await rig.editor.rename("a", "gate")
    assert rig.path.read_text() == text.replace("hosts.a]", "hosts.gate]").replace("me@a:22", "me@gate:22")


@pytest.mark.parametrize(
    ("text", "routes"),
    [
        ("direct, tailscale", ("direct", "tailscale")),
        ("direct,tailscale direct", ("direct", "tailscale")),
        ("jump:a,b,direct", ("jump:a,b", "direct")),
        ("jump:a, b", ("jump:a", "b")),
        ("jump:a,jump:b", ("jump:a", "jump:b")),
        (" , ", ()),
        ("", ()),
    ],
)
def test_routes_are_read_as_they_are_typed(text: str, routes: tuple[str, ...]) -> None:
    assert routes_in(text) == routes
    assert routes_in(", ".join(routes)) == routes


async def test_an_entry_is_renamed_also_where_it_is_a_jump_host(rig: Rig) -> None:
    await rig.editor.rename("bastion", "gate")
    assert rig.path.read_text() == TEXT.replace("bastion", "gate")
    assert rig.heard == [HostsChanged("gate", HostChange.RENAMED, "bastion")]


async def test_an_entry_whose_name_was_its_address_stays_the_same_machine(tmp_path: Path, own_home: Path) -> None:
    rig = Rig(tmp_path, '[hosts."web.example"]\nuser = "me"\n')
    await rig.editor.rename("web.example", "web")
    assert rig.path.read_text() == '[hosts.web]\nuser = "me"\naddress = "web.example"\n'


async def test_an_entry_is_removed_and_the_rest_stays(rig: Rig) -> None:
    await rig.editor.remove("bastion")
    assert rig.path.read_text() == TEXT.replace('[hosts.bastion]\naddress = "192.0.2.1"\n\n', "")


async def test_a_first_entry_makes_the_file_for_its_owner_alone(tmp_path: Path, own_home: Path) -> None:
    rig = Rig(tmp_path, text=None)
    await rig.editor.add(HostDraft(name="new"))
    assert rig.path.read_text() == "[hosts.new]\n"
    assert stat.S_IMODE(rig.path.stat().st_mode) == 0o600
    assert "new" in rig.book.settings.hosts


@pytest.mark.parametrize("name", ["gone", "web-2"])
async def test_what_is_no_own_entry_cannot_be_changed(rig: Rig, name: str) -> None:
    for work in (rig.editor.remove(name), rig.editor.rename(name, "other")):
        with pytest.raises(ConfigError) as raised:
            await work
        assert raised.value.code is Code.HOST_UNKNOWN
    assert rig.path.read_text() == TEXT
    assert rig.heard == []


async def test_bad_fields_are_told_and_nothing_is_written(rig: Rig) -> None:
    with pytest.raises(FieldError) as raised:
        await rig.editor.add(HostDraft(name="new", port="x", profile="lap"))
    assert raised.value.fields.keys() == {"port", "profile"}
    assert raised.value.evidence["port"] == "a port is a number from 1 to 65535"
    assert rig.path.read_text() == TEXT


async def test_a_link_stays_a_link_and_the_mode_stays(rig: Rig, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "fairlead.toml"
    real.parent.mkdir()
    rig.path.replace(real)
    real.chmod(0o640)
    rig.path.symlink_to(real)
    await rig.editor.add(HostDraft(name="new"))
    assert rig.path.is_symlink()
    assert "[hosts.new]" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [path.name for path in real.parent.iterdir()] == ["fairlead.toml"]


async def test_earlier_versions_are_kept_the_first_one_for_ever(rig: Rig, tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        await rig.editor.add(HostDraft(name=f"n{number}"))
    copies = rig.editor.file.copies()
    assert len(copies) == KEPT + 1
    assert copies[-1].read_text() == TEXT
    assert f"n{KEPT + 1}]" in copies[0].read_text()
    assert f"n{KEPT + 2}]" not in copies[0].read_text()
    assert {stat.S_IMODE(path.stat().st_mode) for path in copies} == {0o600}


# --- somebody else -----------------------------------------------------------------------------------------------


async def test_a_change_by_others_in_another_place_is_kept(rig: Rig) -> None:
    old = rig.draft("web-1")
    rig.path.write_text(TEXT.replace("192.0.2.1", "192.0.2.111") + "\n[hosts.theirs]\n")
    await rig.editor.change(old, replace(old, user="me"))
    text = rig.path.read_text()
    assert "192.0.2.111" in text
    assert "[hosts.theirs]" in text
    assert 'user = "me"' in text


async def test_a_change_by_others_of_the_same_field_is_not_overwritten(rig: Rig) -> None:
    old = rig.draft("web-1")
    theirs = TEXT.replace("192.0.2.7", "192.0.2.77")
    rig.path.write_text(theirs)
    with pytest.raises(FieldError) as raised:
        await rig.editor.change(old, replace(old, address="192.0.2.8"))
    assert raised.value.fields.keys() == {"address"}
    assert rig.path.read_text() == theirs


async def test_an_entry_that_others_have_added_meanwhile_is_not_overwritten(rig: Rig) -> None:
    theirs = TEXT + '\n[hosts.new]\naddress = "theirs"\n'
    rig.path.write_text(theirs)
    with pytest.raises(FieldError):
        await rig.editor.add(HostDraft(name="new", address="mine"))
    assert rig.path.read_text() == theirs


@pytest.mark.parametrize("theirs", ["[hosts.new\n", "[hots.a]\n", "a = 1\na = 2\n", "\xff"])
async def test_a_file_that_cannot_be_understood_is_left_as_it_is(rig: Rig, theirs: str) -> None:
    rig.path.write_bytes(theirs.encode("latin-1"))
    with pytest.raises(ConfigError) as raised:
        await rig.editor.add(HostDraft(name="new"))
    assert raised.value.code is Code.CONFIG_INVALID
    assert rig.path.read_bytes() == theirs.encode("latin-1")


async def test_a_directory_that_takes_no_copies_stops_the_change(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be changed"):
        await rig.editor.add(HostDraft(name="new"))
    assert rig.path.read_text() == TEXT


WRITER = """
import sys
from pathlib import Path
from backend.settings.editing import set_values
from backend.settings.writing import ConfigFile
file = ConfigFile(Path(sys.argv[1]), Path(sys.argv[2]))
print("ready", flush=True)
for number in range(int(sys.argv[4])):
    file.edit(lambda text: set_values(text, ("hosts", f"{sys.argv[3]}-{number}"), {"port": number + 1}))
"""


def writer(rig: Rig, name: str, count: int) -> subprocess.Popen[bytes]:
    arguments = [str(rig.path), str(rig.path.parent / "backups"), name, str(count)]
    return subprocess.Popen([sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE)


def test_two_processes_lose_none_of_each_others_entries(rig: Rig) -> None:
    writers = [writer(rig, name, 15) for name in ("a", "b")]
    assert [process.wait(60) for process in writers] == [0, 0]
    for process in writers:
        process.communicate()
    hosts = SettingsFile(rig.path, environ={}).load().hosts
    assert {f"{name}-{number}" for name in "ab" for number in range(15)} <= hosts.keys()
    assert rig.path.read_text().startswith(TEXT)


@pytest.mark.parametrize("moment", range(4))
def test_a_writer_killed_in_the_middle_leaves_the_old_file_or_the_new_one(rig: Rig, moment: int) -> None:
    process = writer(rig, "a", 100_000)
    assert process.stdout is not None
    process.stdout.readline()
    wanted = f"a-{moment * 3}]".encode()
    while wanted not in rig.path.read_bytes():
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    hosts = SettingsFile(rig.path, environ={}).load().hosts
    assert {f"a-{number}" for number in range(moment * 3 + 1)} <= hosts.keys()
    assert rig.path.read_text().startswith(TEXT)
    ConfigFile(rig.path, rig.path.parent / "backups").edit(lambda text: text + "# the lock is free\n")


async def test_reloading_keeps_the_book_when_the_file_is_broken(rig: Rig) -> None:
    rig.path.write_text("[")
    with pytest.raises(ConfigError):
        await rig.book.reload()
    assert "web-1" in rig.book.settings.hosts


async def test_many_entries_are_written_in_one_step(rig: Rig) -> None:
    tables = {f"n{number}": {"address": f"h{number}", "tags": ["a"], "port": 22} for number in range(1000)}
    async with asyncio.timeout(20):
        await rig.editor.write(tables)
    assert len(rig.book.settings.hosts) == 1002
    assert rig.path.read_text().startswith(TEXT)
    await rig.editor.write({"n5": {"address": "new"}}, replacing=frozenset({"n5"}))
    assert rig.book.settings.hosts["n5"] == HostSettings(address="new")
    with pytest.raises(FieldError):
        await rig.editor.write({"n5": {}, "other": {}})
    assert "other" not in rig.book.settings.hosts
