"""The host book from outside: listing, filtering, pins, and changing own entries with `fairlead hosts`."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.on_terminal import on_terminal
from tests.support.program import Program

CONFIG = """\
# by hand
[profiles.lab]
user = "labrat"

[hosts.bastion]
address = "192.0.2.1"
group = "edge"

[hosts.web-1]
address = "192.0.2.7"   # since May
jump = "bastion"
group = "shop"
tags = ["prod", "eu"]
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "ssh_config").write_text("Host alias\n  HostName 192.0.2.3\n")
    env = {"FAIRLEAD_CONFIG": str(tmp_path / "config.toml"), "FAIRLEAD_SSH_CONFIG": str(tmp_path / "ssh_config")}
    return Program(tmp_path, env=env)


def config(program: Program) -> str:
    return (program.home / "config.toml").read_text()


def names(program: Program, *arguments: str) -> list[str]:
    ran = program.run("hosts", "list", "--json", *arguments)
    assert ran.status == 0, ran.err
    return [entry["name"] for entry in ran.json["hosts"]]


def test_the_list_is_filtered_by_group_tags_and_letters(program: Program) -> None:
    assert names(program) == ["bastion", "web-1", "alias"]
    assert names(program, "--group", "shop") == ["web-1"]
    assert names(program, "--tag", "prod", "--tag", "eu") == ["web-1"]
    assert names(program, "--tag", "prod", "--tag", "us") == []
    assert names(program, "wb1") == ["web-1"]
    assert names(program, "192.0.2", "edge") == ["bastion"]


def test_a_filter_that_fits_nothing_says_so(program: Program) -> None:
    ran = program.run("hosts", "list", "zzz")
    assert (ran.status, ran.out) == (0, b"")
    assert b"None of the hosts" in ran.err


def test_pinned_hosts_come_first_wherever_they_are_written(program: Program) -> None:
    assert program.run("hosts", "pin", "alias").status == 0
    assert names(program) == ["alias", "bastion", "web-1"]
    assert b"pinned" in program.run("hosts", "list").out.splitlines()[0]
    assert program.run("hosts", "unpin", "alias").status == 0
    assert names(program) == ["bastion", "web-1", "alias"]
    ran = program.run("hosts", "pin", "nobody", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (2, "HOST_UNKNOWN")


def test_an_entry_is_added_with_the_flags_that_say_how_a_host_is_reached(program: Program) -> None:
    (program.home / "key").write_text("x")
    fields = ("--address", "192.0.2.9", "--user", "me", "--port", "2200", "--key", "key", "--jump", "bastion")
    more = ("--profile", "lab", "--group", "g", "--tag", "a", "--tag", "b", "--note", "it's new", "--production")
    ran = program.run("hosts", "add", "new", *fields, *more, "--json")
    assert ran.status == 0, ran.err
    assert config(program) == CONFIG + (
        '\n[hosts.new]\naddress = "192.0.2.9"\nuser = "me"\nport = 2200\nidentity_files = ["key"]\njump = "bastion"\n'
        'profile = "lab"\ngroup = "g"\ntags = ["a", "b"]\nnote = "it\'s new"\nproduction = true\n'
    )
    assert ran.json["entry"]["port"] == 2200
    assert program.run("config", "check").status == 0
    shown = program.run("hosts", "show", "--json", "new").json
    assert [hop["address"] for hop in shown["hops"]] == ["192.0.2.1", "192.0.2.9"]


def test_an_entry_that_hides_an_alias_of_the_ssh_configuration_says_so(program: Program) -> None:
    ran = program.run("hosts", "add", "alias", "--address", "192.0.2.9")
    assert ran.status == 0
    assert b"ssh_config:1 says nothing about this name any more (--ssh-host alias lets it)" in ran.err
    assert b"any more" not in program.run("hosts", "add", "other", "--address", "192.0.2.9").err
    assert program.run("hosts", "remove", "alias", "--yes").status == 0
    assert b"any more" not in program.run("hosts", "add", "alias", "--ssh-host", "alias").err


def test_everything_a_profile_may_say_can_be_said_of_a_host(program: Program) -> None:
    ways = ("--tailscale", "100.64.0.9", "--proxy", "socks5://p:1080", "--proxy-command", "relay %h")
    order = ("--routes", "tailscale,jump:bastion,web-1,proxy", "--no-agent", "--no-password", "--identities-only")
    place = ("--env", "A=1", "--env", "B=x y", "--root", "scratch=/s", "--forward", "D 1080", "--idle-close", "1800")
    limits = ("--keepalive", "interval=2.5", "--timeout", "login=90", "--host-key", "strict", "--known-hosts", "kh")
    ran = program.run("hosts", "add", "new", "--address", "h", *ways, *order, *place, *limits, "--json")
    assert ran.status == 0, ran.err
    assert ran.json["entry"] == {
        "address": "h", "tailscale": "100.64.0.9", "proxy": "socks5://p:1080", "proxy_command": "relay %h",
        "routes": ["tailscale", "jump:bastion,web-1", "proxy"], "identities_only": True, "agent": False,
        "password": False, "host_key": "strict", "known_hosts": "kh", "env": {"A": "1", "B": "x y"},
        "roots": {"scratch": "/s"}, "forwards": ["D 1080"], "keepalive": {"interval": 2.5}, "timeouts": {"login": 90},
        "idle_close": 1800,
    }  # fmt: skip
    shown = program.run("hosts", "show", "--json", "new").json
    assert shown["routes"] == ["tailscale", "jump:bastion,web-1", "proxy"]
    ran = program.run("hosts", "change", "new", "--env", "C=2", "--clear", "env.A", "--clear", "keepalive", "--json")
    assert ran.json["entry"]["env"] == {"B": "x y", "C": "2"}
    assert "keepalive" not in ran.json["entry"]


def test_wrong_fields_are_all_told_and_nothing_is_written(program: Program) -> None:
    ran = program.run("hosts", "add", "new", "--address", "a@b", "--profile", "lap", "--key", "gone", "--json")
    assert ran.status == 2
    evidence = ran.json["error"]["evidence"]
    assert {"address", "profile", "identity_files"} <= evidence.keys()
    limits = ("--keepalive", "intervall=3", "--timeout", "login=0", "--routes", "dirct")
    ran = program.run("hosts", "change", "web-1", *limits, "--json")
    evidence = ran.json["error"]["evidence"]
    assert {"keepalive", "timeouts.login", "routes"} <= evidence.keys()
    assert "did you mean interval?" in evidence["keepalive"]
    ran = program.run("hosts", "change", "web-1", "--clear", "jmp")
    assert ran.status == 2
    assert b"did you mean jump?" in ran.err
    assert config(program) == CONFIG


def test_a_change_touches_its_own_lines_alone(program: Program) -> None:
    ran = program.run("hosts", "change", "web-1", "--address", "192.0.2.8", "--clear", "tags", "--port", "23")
    assert ran.status == 0, ran.err
    expected = CONFIG.replace("192.0.2.7", "192.0.2.8").replace('tags = ["prod", "eu"]\n', "port = 23\n")
    assert config(program) == expected


def test_renaming_follows_the_jump_hosts(program: Program) -> None:
    assert program.run("hosts", "change", "bastion", "--rename", "gate").status == 0
    assert config(program) == CONFIG.replace("hosts.bastion", "hosts.gate").replace('jump = "bastion"', 'jump = "gate"')


def test_what_is_not_ones_own_cannot_be_changed(program: Program) -> None:
    for command in (("change", "alias", "--port", "1"), ("remove", "--yes", "alias")):
        ran = program.run("hosts", *command, "--json")
        assert (ran.status, ran.json["error"]["code"]) == (2, "HOST_UNKNOWN")
    assert (program.home / "ssh_config").read_text() == "Host alias\n  HostName 192.0.2.3\n"


def test_removing_without_a_person_needs_a_yes(program: Program) -> None:
    ran = program.run("hosts", "remove", "bastion")
    assert ran.status == 2
    assert b"--yes" in ran.err
    assert config(program) == CONFIG
    ran = program.run("hosts", "remove", "bastion", "--batch")
    assert ran.status == 0
    assert b"jump host of web-1" in ran.err
    assert "bastion]" not in config(program)


async def test_removing_says_what_goes_and_asks(program: Program) -> None:
    async with on_terminal(program, "hosts", "remove", "web-1") as terminal:
        await terminal.expect("Remove the entry web-1")
        await terminal.expect("address = 192.0.2.7")
        terminal.type("n\n")
        assert await terminal.status() == 130
    assert config(program) == CONFIG
    async with on_terminal(program, "hosts", "remove", "web-1") as terminal:
        await terminal.expect("Remove the entry web-1")
        terminal.type("yes\n")
        await terminal.expect("removed; the file before is")
        assert await terminal.status() == 0
    assert config(program) == CONFIG[: CONFIG.index("\n[hosts.web-1]")]


async def test_programs_that_add_at_once_lose_nothing(program: Program) -> None:
    started = [await program.start("hosts", "add", f"n{number}", "--address", f"h{number}") for number in range(5)]
    assert [(await asyncio.gather(process.communicate(), process.wait()))[1] for process in started] == [0] * 5
    assert set(names(program)) >= {f"n{number}" for number in range(5)}
    assert config(program).startswith(CONFIG)


INVENTORY = """\
hosts:
  gpu-1:
    ssh_host: 203.0.113.5
    ssh_user: ubuntu
    tailscale_ip: 100.64.0.7
    role: training
  web-1: {ssh_host: 203.0.113.6}
  broken: {ssh_host: h, ssh_port: 0}
"""


def test_an_inventory_is_tried_first_and_then_taken(program: Program) -> None:
    (program.home / "hosts.yaml").write_text(INVENTORY)
    tried = program.run("hosts", "import", "hosts.yaml", "--dry-run", "--on-clash", "rename", "--json")
    assert config(program) == CONFIG
    taken = program.run("hosts", "import", "hosts.yaml", "--on-clash", "rename", "--json")
    assert (tried.status, taken.status) == (4, 4)
    assert taken.json == {**tried.json, "dry_run": False}
    assert taken.json["renamed"] == {"web-1-2": "web-1"}
    assert [problem["line"] for problem in taken.json["problems"]] == [8]
    assert config(program) == CONFIG + (
        '\n[hosts.gpu-1]\naddress = "203.0.113.5"\nuser = "ubuntu"\ntailscale = "100.64.0.7"\n'
        'extra = { role = "training" }\n\n[hosts.web-1-2]\naddress = "203.0.113.6"\n'
    )
    assert program.run("hosts", "show", "--json", "gpu-1").json["extra"] == {"role": "training"}
    assert b'role = "training"' in program.run("hosts", "show", "gpu-1").out


def test_an_inventory_skips_or_overwrites_names_that_are_taken(program: Program) -> None:
    (program.home / "hosts.yaml").write_text("hosts: {web-1: {ssh_host: new}}\n")
    ran = program.run("hosts", "import", "hosts.yaml")
    assert (ran.status, config(program)) == (0, CONFIG)
    assert b"1 skipped" in ran.err
    assert program.run("hosts", "import", "hosts.yaml", "--on-clash", "overwrite").status == 0
    assert config(program).endswith('group = "edge"\n\n[hosts.web-1]\naddress = "new"\n')


def test_an_inventory_that_cannot_be_read_is_told(program: Program) -> None:
    (program.home / "hosts.yaml").write_text("hosts: [")
    ran = program.run("hosts", "import", "hosts.yaml")
    assert (ran.status, config(program)) == (2, CONFIG)
    assert b"hosts.yaml:" in ran.err
    ran = program.run("hosts", "import", "gone.yaml", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (2, "CONFIG_INVALID")


def test_thousands_of_hosts_are_listed_at_once(program: Program) -> None:
    own = "".join(
        f'\n[hosts.own-{n}]\naddress = "10.0.{n // 250}.{n % 250}"\ntags = ["t{n % 7}"]\n' for n in range(1000)
    )
    (program.home / "config.toml").write_text(CONFIG + own)
    lines = (f"Host far-{n}\n  HostName 10.1.{n // 250}.{n % 250}\n  User me\n" for n in range(1000))
    (program.home / "ssh_config").write_text("".join(lines))
    began = time.monotonic()
    assert len(names(program)) == 2002
    bare = time.monotonic()
    assert program.run("--version").status == 0
    assert (bare - began) - (time.monotonic() - bare) < 5  # 2,000 runs of `ssh -G` would take ten times as long


# --- layers ------------------------------------------------------------------------------------------------------


def in_force(program: Program, *arguments: str) -> dict[str, tuple[object, str, str]]:
    ran = program.run("config", "show", "--json", "--host", *arguments)
    assert ran.status == 0, ran.err
    return {row["key"]: (row["value"], row["layer"], row["where"]) for row in ran.json["settings"]}


LAYERS = """\
[defaults]
keepalive = { interval = 20 }
[profiles.lab]
user = "labrat"
port = 2200
env = { A = "profile", B = "profile" }
[hosts.web-1]
address = "192.0.2.7"
profile = "lab"
port = 2201
env = { A = "own" }
[hosts.web-1.extra]
rack = "b12"
"""


def test_every_value_of_a_host_is_told_with_its_layer_and_line(program: Program) -> None:
    (program.home / "config.toml").write_text(LAYERS)
    file = "~/config.toml"
    found = in_force(program, "web-1")
    assert found["keepalive.interval"] == (20, "file", f"{file}:2")
    assert found["user"] == ("labrat", "profile", f"{file}:4")
    assert found["port"] == (2201, "file", f"{file}:10")
    assert found["env.A"] == ("own", "file", f"{file}:11")
    assert found["env.B"] == ("profile", "profile", f"{file}:6")
    assert found["extra.rack"] == ("b12", "file", f"{file}:13")
    assert found["timeouts.login"] == (60, "default", "")
    assert found["host_key"][1] == "default"
    assert found["known_hosts"][1:] == ("default", "")


def test_environment_and_flags_are_told_as_such(program: Program) -> None:
    (program.home / "config.toml").write_text(LAYERS)
    strict = Program(program.home, env={**program.env, "FAIRLEAD_HOST_KEY": "strict"})
    assert in_force(strict, "web-1")["host_key"] == ("strict", "environment", "FAIRLEAD_HOST_KEY")
    found = in_force(strict, "web-1", "--host-key", "accept-new", "--user", "me")
    assert found["host_key"] == ("accept-new", "flag", "--host-key")
    assert found["user"] == ("me", "flag", "--user")


def test_a_value_of_the_ssh_configuration_is_told_with_its_own_line_there(program: Program) -> None:
    (program.home / "ssh_config").write_text(
        "Include more\nHost alias\n  HostName 192.0.2.3\nMatch all\n  IdentitiesOnly yes\n"
        "Match user nobody\n  ConnectTimeout 3\nHost *\n  User everybody\n  Port 2222\n  ServerAliveInterval 7\n"
    )
    (program.home / ".ssh").mkdir()
    (program.home / ".ssh" / "more").write_text("Host al*\n  Port 2200\n")
    found = in_force(program, "alias")
    assert found["address"] == ("192.0.2.3", "ssh", "~/ssh_config:3")
    assert found["user"] == ("everybody", "ssh", "~/ssh_config:9")
    assert found["port"] == (2200, "ssh", "~/.ssh/more:2")
    assert found["keepalive.interval"] == (7, "ssh", "~/ssh_config:11")
    assert found["identities_only"] == (True, "ssh", "")
    assert found["known_hosts"][1] == found["identity_files"][1] == found["timeouts.connect"][1] == "default"
    assert b'address = "192.0.2.3"  # ssh: ~/ssh_config:3' in program.run("config", "show", "--host", "alias").out


def test_a_user_and_a_port_that_were_typed_are_told_as_such(program: Program) -> None:
    found = in_force(program, "me@192.0.2.44:2201")
    assert found["user"] == ("me", "flag", "me@192.0.2.44:2201")
    assert found["port"] == (2201, "flag", "me@192.0.2.44:2201")
    assert found["address"] == ("192.0.2.44", "default", "")


def test_every_route_of_a_host_is_shown(program: Program) -> None:
    (program.home / "config.toml").write_text('[hosts.gpu]\naddress = "192.0.2.7"\ntailscale = "100.64.0.7"\n')
    shown = program.run("hosts", "show", "--json", "gpu").json
    assert shown["routes"] == ["direct", "tailscale"]
    assert b"@192.0.2.7:22, over Tailscale, 100.64.0.7" in program.run("hosts", "show", "gpu").out


def test_mistakes_of_inventories_are_found_without_importing(program: Program) -> None:
    (program.home / "hosts.yaml").write_text(INVENTORY)
    ran = program.run("config", "check", "--inventory", "hosts.yaml", "--json")
    assert ran.status == 2
    assert [(problem["line"], problem["key"]) for problem in ran.json["problems"]] == [(8, "hosts.broken.port")]
    assert [remark["key"] for remark in ran.json["remarks"]] == ["hosts.gpu-1.role"]


def test_mistakes_of_the_ssh_configuration_are_told_beside_those_of_our_own(program: Program) -> None:
    (program.home / "config.toml").write_text("[hosts.a]\nprot = 22\n")
    (program.home / "ssh_config").write_text("Host b\n  HostNme x\n")
    ran = program.run("config", "check", "-F", "ssh_config", "--json")
    assert ran.status == 2
    told = [(Path(problem["file"]).name, problem["line"], problem["nearest"]) for problem in ran.json["problems"]]
    assert told == [("config.toml", 2, "port"), ("ssh_config", 2, "hostname")]
