"""The host book: who a name is, from own entries, the ssh configuration and what was typed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from backend.connection.target import HostKeyPolicy, Keepalive, KnownHostsFiles, Target
from backend.connection.ways import DIRECT, ProxyCommand
from backend.errors import Code, ConfigError
from backend.hosts.book import HostBook, HostEntry, HostSource, Overrides
from backend.hosts.names import Spec
from backend.hosts.options import NoFiles, Options, PlainFiles, asked_for
from backend.settings import HostOptions, HostSettings, KeepaliveOptions, Settings, TimeoutOptions

pytestmark = pytest.mark.usefixtures("own_home")


class Written(NoFiles):
    """An ssh configuration by script: options by alias, over those of an unconfigured host."""

    def __init__(self, **hosts: Mapping[str, str]) -> None:
        self.hosts = {name.replace("_", "-"): options for name, options in hosts.items()}
        self.asked: list[tuple[Spec, str | None]] = []

    async def entries(self) -> tuple[HostEntry, ...]:
        return tuple(
            HostEntry(name, HostSource.SSH_CONFIG, where=f"~/.ssh/config:{n}") for n, name in enumerate(self.hosts, 1)
        )

    async def options(self, spec: Spec, jump: str | None) -> Options:
        self.asked.append((spec, jump))
        written = {keyword: (value,) for keyword, value in self.hosts.get(spec.host, {}).items()}
        return {**asked_for(Spec(spec.host), None), **written, **asked_for(spec, jump, default=False)}

    async def unconfigured(self) -> Options:
        return {}


def book(source: Written | None = None, overrides: Overrides | None = None, **hosts: HostSettings) -> HostBook:
    named = {name.replace("_", "-"): host for name, host in hosts.items()}
    return HostBook(settings=Settings(hosts=named), overrides=overrides, source=source or Written(), environ={})


def way(target: Target) -> list[str]:
    return [f"{hop.user}@{hop.address}:{hop.port}" for hop in target.hops]


# --- names -------------------------------------------------------------------------------------------------------


async def test_own_entries_come_first_and_hide_aliases_of_the_same_name() -> None:
    made = book(Written(web_1={}, other={}), web_1=HostSettings(address="192.0.2.7", tags=("a",), note="mine"))
    listed = await made.list()
    assert [(entry.name, entry.source) for entry in listed] == [
        ("web-1", HostSource.OWN),
        ("other", HostSource.SSH_CONFIG),
    ]
    assert (listed[0].address, listed[0].tags, listed[0].note) == ("192.0.2.7", ("a",), "mine")


async def test_a_listed_entry_shows_what_its_profile_says() -> None:
    settings = Settings(
        profiles={"lab": HostOptions(user="labrat", port=2222, production=True)},
        hosts={"web-1": HostSettings(profile="lab", group="lab")},
    )
    (entry,) = await HostBook.of_entries(settings).list()
    assert (entry.user, entry.port, entry.production, entry.group) == ("labrat", 2222, True, "lab")


@pytest.mark.parametrize(
    ("typed", "reached"),
    [
        ("me@192.0.2.9:2222", "me@192.0.2.9:2222"),
        ("ssh://me@host.example:7", "me@host.example:7"),
        ("me@[2001:db8::7]:99", "me@2001:db8::7:99"),
        ("me@2001:db8::7", "me@2001:db8::7:22"),
    ],
)
async def test_typed_addresses_are_reached_as_typed(typed: str, reached: str) -> None:
    target = await book().resolve(typed)
    assert target.name == typed
    assert way(target) == [reached]


async def test_a_word_in_no_file_is_taken_for_a_dns_name() -> None:
    assert (await book().resolve("anything")).host.address == "anything"


@pytest.mark.parametrize("typed", ["-oProxyCommand=x", "", "a b", "x/y", "\x1b[2J"])
async def test_what_cannot_be_a_host_is_refused_before_anybody_is_asked(typed: str) -> None:
    source = Written()
    with pytest.raises(ConfigError) as raised:
        await book(source).resolve(typed)
    assert raised.value.code is Code.HOST_UNKNOWN
    assert source.asked == []
    assert raised.value.message.isprintable()


async def test_a_misspelt_name_is_answered_with_the_nearest_one() -> None:
    made = book(Written(database={}), web_1=HostSettings())
    await made.list()
    assert made.nearest("me@databse") == "database"
    assert made.nearest("web1") == "web-1"
    assert made.nearest("zzzzzz") is None
    with pytest.raises(ConfigError) as raised:
        await made.resolve("web-1:")
    assert any("web-1 was meant" in step.text for step in raised.value.advice)


# --- own entries -------------------------------------------------------------------------------------------------


async def test_an_own_entry_lies_over_what_the_ssh_configuration_says_about_its_address() -> None:
    source = Written(**{"192.0.2.7": {"user": "from-ssh", "identityfile": "/keys/ssh", "port": "2200"}})
    made = book(source, web_1=HostSettings(address="192.0.2.7", user="mine", identity_files=(Path("~/key"),)))
    host = (await made.resolve("web-1")).host
    assert (host.name, host.user, host.port) == ("web-1", "mine", 2200)
    assert host.identity_files == (Path.home() / "key", Path("/keys/ssh"))
    assert host.identities_named


async def test_where_ssh_itself_would_go_another_way_is_told() -> None:
    source = Written(web_1={"hostname": "192.0.2.9", "port": "2200", "user": "ada", "proxyjump": "bastion"}, db_2={})
    web, other = HostSettings(address="192.0.2.7", port=2222, user="ada"), HostSettings(address="192.0.2.8")
    made = book(source, web_1=web, db_2=other)
    found = await made.differences(await made.resolve("web-1"))
    assert found == {
        "hostname": "192.0.2.7 here, 192.0.2.9 for ssh",
        "port": "2222 here, 2200 for ssh",
        "proxyjump": "none here, bastion for ssh",
    }
    assert await made.differences(await made.resolve("db-2")) == {}, "nothing is configured for ssh"


async def test_what_only_the_ssh_configuration_has_cannot_differ_and_ssh_is_not_asked_again() -> None:
    source = Written(web_1={"hostname": "192.0.2.9"})
    made = book(source)
    target = await made.resolve("web-1")
    asked = len(source.asked)
    assert await made.differences(target) == {}
    assert len(source.asked) == asked
    flagged = book(source, Overrides(port=2222))
    assert await flagged.differences(await flagged.resolve("web-1")) == {}, "no port is configured"


async def test_an_own_entry_may_point_to_an_alias() -> None:
    source = Written(alias={"hostname": "192.0.2.8", "user": "there"})
    target = await book(source, web_1=HostSettings(ssh_host="alias", port=7)).resolve("web-1")
    assert way(target) == ["there@192.0.2.8:7"]
    assert source.asked[0][0].host == "alias"


async def test_an_own_entry_without_an_address_is_the_alias_of_its_name() -> None:
    source = Written(web_1={"hostname": "192.0.2.8"})
    assert (await book(source, web_1=HostSettings(user="mine")).resolve("web-1")).host.address == "192.0.2.8"


async def test_user_and_port_typed_before_and_after_an_own_entry_win() -> None:
    made = book(web_1=HostSettings(address="192.0.2.7", user="mine", port=7))
    assert way(await made.resolve("other@web-1:8")) == ["other@192.0.2.7:8"]


@pytest.mark.parametrize("name", ["db", "lab", "me@db:8", "other", "nowhere.example"])
async def test_whether_a_host_is_production_is_known_without_asking_ssh(name: str) -> None:
    settings = Settings(
        hosts={
            "db": HostSettings(address="192.0.2.7", production=True),
            "lab": HostSettings(address="192.0.2.8", profile="careful"),
            "other": HostSettings(address="192.0.2.9"),
        },
        profiles={"careful": HostOptions(production=True)},
    )
    made = HostBook(settings=settings, source=Written())
    assert await made.is_production(name) is (await made.resolve(name)).production
    assert await made.is_production(name) is (name in {"db", "lab", "me@db:8"})


async def test_own_options_are_laid_over_the_hop() -> None:
    entry = HostSettings(
        address="192.0.2.7",
        identities_only=True,
        agent=False,
        password=False,
        host_key=HostKeyPolicy.STRICT,
        known_hosts=Path("~/known"),
        keepalive=KeepaliveOptions(interval=5),
        timeouts=TimeoutOptions(connect=3),
        production=True,
    )
    source = Written()
    made = HostBook(settings=Settings(hosts={"web-1": entry}), source=source, environ={"SSH_AUTH_SOCK": "/run/agent"})
    target = await made.resolve("web-1")
    host = target.host
    assert target.production
    assert host.identities_only
    assert host.agent_socket is None
    assert host.auth_methods == ("publickey", "keyboard-interactive")
    assert host.host_key_policy is HostKeyPolicy.STRICT
    assert host.known_hosts == KnownHostsFiles((Path.home() / "known",))
    assert (host.keepalive.interval, host.keepalive.misses) == (5, Keepalive().misses)
    assert (host.timeouts.connect, host.timeouts.login) == (3, 60)


async def test_an_entry_wins_over_its_profile_and_the_profile_over_the_defaults() -> None:
    settings = Settings(
        defaults=HostOptions(user="default", port=1, keepalive=KeepaliveOptions(interval=1, misses=1, late_after=1)),
        profiles={"lab": HostOptions(user="profile", keepalive=KeepaliveOptions(interval=2, misses=2))},
        hosts={"web-1": HostSettings(profile="lab", keepalive=KeepaliveOptions(interval=3))},
    )
    host = (await HostBook.of_entries(settings).resolve("web-1")).host
    assert (host.user, host.port) == ("profile", 1)
    assert (host.keepalive.interval, host.keepalive.misses, host.keepalive.late_after) == (3, 2, 1)


async def test_the_defaults_say_nothing_about_who_a_foreign_host_is_but_how_it_is_checked() -> None:
    defaults = HostOptions(user="default", port=1, jump="bastion", host_key=HostKeyPolicy.STRICT)
    made = HostBook(settings=Settings(defaults=defaults), source=Written(alias={"user": "theirs"}), environ={})
    target = await made.resolve("alias")
    assert way(target) == ["theirs@alias:22"]
    assert target.host.host_key_policy is HostKeyPolicy.STRICT


async def test_a_book_of_entries_touches_no_file_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    made = HostBook.of_entries(Settings(hosts={"web-1": HostSettings(address="192.0.2.7", user="demo")}))
    host = (await made.resolve("web-1")).host
    assert (host.identity_files, host.agent_socket, host.known_hosts) == ((), None, KnownHostsFiles())


# --- flags -------------------------------------------------------------------------------------------------------


async def test_flags_win_over_everything() -> None:
    overrides = Overrides(
        user="flag",
        port=9,
        identity_files=(Path("~/flag"),),
        known_hosts=Path("~/flag_hosts"),
        host_key_policy=HostKeyPolicy.ACCEPT_NEW,
    )
    entry = HostSettings(address="192.0.2.7", user="mine", identity_files=(Path("~/key"),), host_key=HostKeyPolicy.ASK)
    host = (await book(None, overrides, web_1=entry).resolve("typed@web-1:8")).host
    assert (host.user, host.port) == ("flag", 9)
    assert host.identity_files == (Path.home() / "flag", Path.home() / "key")
    assert host.known_hosts.user == (Path.home() / "flag_hosts",)
    assert host.known_hosts.system == ()
    assert host.host_key_policy is HostKeyPolicy.ACCEPT_NEW


async def test_checking_host_keys_by_flag_holds_for_every_hop_the_rest_for_the_target_alone() -> None:
    overrides = Overrides(user="flag", host_key_policy=HostKeyPolicy.STRICT, identity_files=(Path("/key"),))
    source = Written(web_1={"proxyjump": "bastion"}, bastion={"user": "b"})
    jump, host = (await book(source, overrides).resolve("web-1")).hops
    assert (jump.user, host.user) == ("b", "flag")
    assert jump.host_key_policy is host.host_key_policy is HostKeyPolicy.STRICT
    assert (jump.identity_files, host.identity_files) == ((), (Path("/key"),))


async def test_a_jump_host_of_the_command_line_gets_its_keys_unless_it_has_some_of_its_own() -> None:
    overrides = Overrides(jump="plain,own", identity_files=(Path("/key"),))
    plain, own, host = (await book(Written(own={"identityfile": "/own"}), overrides).resolve("web-1")).hops
    assert plain.identity_files == host.identity_files == (Path("/key"),)
    assert own.identity_files == (Path("/own"),)


async def test_the_environment_is_weaker_than_flags_and_stronger_than_files() -> None:
    entry = {"web-1": HostSettings(address="192.0.2.7", host_key=HostKeyPolicy.ASK)}
    environ = {"FAIRLEAD_HOST_KEY": "strict", "FAIRLEAD_KNOWN_HOSTS": "/env/known"}

    def made(overrides: Overrides) -> HostBook:
        return HostBook(settings=Settings(hosts=entry), overrides=overrides, source=Written(), environ=environ)

    assert (await made(Overrides()).resolve("web-1")).host.host_key_policy is HostKeyPolicy.STRICT
    flagged = (await made(Overrides(host_key_policy=HostKeyPolicy.ACCEPT_NEW)).resolve("web-1")).host
    assert flagged.host_key_policy is HostKeyPolicy.ACCEPT_NEW
    assert flagged.known_hosts.user == (Path("/env/known"),)


def test_a_policy_that_does_not_exist_is_told_with_its_variable() -> None:
    with pytest.raises(ConfigError, match="FAIRLEAD_HOST_KEY"):
        HostBook(environ={"FAIRLEAD_HOST_KEY": "never"})


# --- jump hosts --------------------------------------------------------------------------------------------------


async def test_jump_hosts_are_resolved_hop_by_hop_each_by_its_own_entry() -> None:
    source = Written(
        web_1={"proxyjump": "outer,me@inner:2222"},
        outer={"hostname": "192.0.2.1", "user": "o"},
        inner={"hostname": "10.0.0.1", "user": "i"},
    )
    target = await book(source).resolve("web-1")
    assert [(hop.name, hop.user, hop.address, hop.port) for hop in target.jumps] == [
        ("outer", "o", "192.0.2.1", 22),
        ("me@inner:2222", "me", "10.0.0.1", 2222),
    ]
    assert target.host.name == "web-1"


async def test_only_the_first_of_several_jump_hosts_is_reached_through_its_own_as_openssh_does() -> None:
    source = Written(web_1={"proxyjump": "b,c"}, a={}, b={"proxyjump": "a"}, c={"proxyjump": "elsewhere", "user": "c"})
    target = await book(source).resolve("web-1")
    assert [hop.address for hop in target.hops] == ["a", "b", "c", "web-1"]


async def test_own_entries_can_be_jump_hosts_of_each_other_and_of_aliases() -> None:
    source = Written(alias={"proxyjump": "bastion"})
    made = book(
        source,
        bastion=HostSettings(address="192.0.2.1", user="b", port=2222),
        web_1=HostSettings(address="10.0.0.7", jump="bastion"),
    )
    assert (await made.resolve("alias")).jumps[0].port == 2222
    target = await made.resolve("web-1")
    assert [hop.name for hop in target.hops] == ["bastion", "web-1"]


async def test_a_jump_by_flag_replaces_the_one_that_is_written_and_none_takes_it_away() -> None:
    source = Written(web_1={"proxyjump": "written"})
    assert [hop.name for hop in (await book(source, Overrides(jump="flag")).resolve("web-1")).jumps] == ["flag"]
    assert (await book(source, Overrides(jump="none")).resolve("web-1")).jumps == ()


async def test_a_jump_of_none_takes_a_proxy_command_away_too() -> None:
    source = Written(web_1={"proxycommand": "nc %h %p"})
    without = await book(source, web_1=HostSettings(jump="none")).resolve("web-1")
    assert (without.jumps, without.host.way) == ((), DIRECT)
    assert (await book(source).resolve("web-1")).host.way == ProxyCommand("nc web-1 22")


@pytest.mark.parametrize(
    "hosts",
    [
        {"a": {"proxyjump": "a"}},
        {"a": {"proxyjump": "b"}, "b": {"proxyjump": "a"}},
        {"a": {"proxyjump": "b"}, "b": {"proxyjump": "me@b"}},
    ],
    ids=["itself", "each other", "with another user"],
)
async def test_jump_hosts_that_go_round_in_a_circle_are_told(hosts: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ConfigError) as raised:
        await book(Written(**hosts)).resolve("a")
    assert raised.value.code is Code.CONFIG_INVALID
    assert "circle" in raised.value.message
    assert "Host *" in raised.value.advice[0].text


async def test_jump_hosts_that_cannot_be_read_are_told() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        await book(Written(web_1={"proxyjump": "a,-oX"})).resolve("web-1")


# --- with real files ---------------------------------------------------------------------------------------------

CONFIG = """\
Host web-1
  HostName 192.0.2.7
  User deploy
  ProxyJump bastion
Host bastion
  HostName 192.0.2.1
  Port 2222
  IdentityFile ~/.ssh/bastion
Host *
  StrictHostKeyChecking accept-new
"""


@pytest.fixture(params=["OpenSSH", "no OpenSSH"])
def real_book(request: pytest.FixtureRequest, own_home: Path) -> HostBook:
    (own_home / ".ssh").mkdir(mode=0o700)
    config = own_home / ".ssh" / "config"
    config.write_text(CONFIG)
    if request.param == "OpenSSH":
        if shutil.which("ssh") is None:
            pytest.skip("no OpenSSH client on this machine")
        return HostBook()
    return HostBook(source=PlainFiles(config, own_home, {}))


async def test_the_ssh_configuration_is_understood_alike_with_and_without_openssh(real_book: HostBook) -> None:
    target = await real_book.resolve("web-1")
    assert way(target)[-1] == "deploy@192.0.2.7:22"
    (jump,) = target.jumps
    assert (jump.address, jump.port) == ("192.0.2.1", 2222)
    assert jump.identity_files == (Path.home() / ".ssh" / "bastion",)
    assert jump.identities_named
    assert not target.host.identities_named
    assert Path.home() / ".ssh" / "id_ed25519" in target.host.identity_files
    assert target.host.host_key_policy is HostKeyPolicy.ACCEPT_NEW
    assert target.host.known_hosts.user[0] == Path.home() / ".ssh" / "known_hosts"
    assert target.host.source == "~/.ssh/config:1"
    assert target.host.algorithms.ciphers is None


async def test_the_home_directory_of_the_environment_counts_for_openssh_too(real_book: HostBook) -> None:
    assert [entry.name for entry in await real_book.list()] == ["web-1", "bastion"]


def test_without_openssh_on_the_path_the_files_are_read_by_ourselves(own_home: Path) -> None:
    made = HostBook(environ={"PATH": str(own_home)})
    assert isinstance(made._source, PlainFiles)
