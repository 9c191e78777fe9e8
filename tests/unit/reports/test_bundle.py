"""What a bundle is made of: what goes in, what stays out, how it is packed, other names."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.clock import SystemClock
from backend.connection.session import LatencyMeasured
from backend.errors import Code, ConfigError
from backend.events import Event, EventBus
from backend.health.changes import HealthChanged
from backend.reports.bundle.contents import Bundle, Entry
from backend.reports.bundle.packing import check_name, packed
from backend.reports.bundle.pseudonyms import Pseudonyms, dotted_names
from backend.reports.bundle.recent import KEPT, RecentEvents
from backend.reports.bundle.safe_log import safe_record, safe_records
from backend.reports.bundle.safe_settings import LEFT_OUT, learnable, safe_proxy, settings_json, words_of_command
from backend.reports.bundle.safe_ssh import ssh_json
from backend.settings.loader import load_settings

NOW = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
CONFIG = """
[defaults]
env = { TOKEN = "tok-123456" }
proxy = "http://mara@proxy.example:3128"
[hosts.web-1]
address = "10.0.4.7"
user = "deploy"
note = "call Mara, 0170 1234"
proxy_command = "tunnel --key S3cret-key %h"
[hosts.web-1.commands]
deny = ["mysql -phunter2"]
[hosts.web-1.checks]
"*.conf" = "check --token abc"
"""


def test_of_settings_only_values_of_a_list_go_in_and_the_rest_is_counted(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    settings, left_out = load_settings(tmp_path / "config.toml", environ={}), Counter[str]()
    told = settings_json(settings, left_out)
    values = {(one["table"], one["name"], row["key"]): row["value"] for one in told for row in one["values"]}
    assert values["hosts", "web-1", "address"] == "10.0.4.7"
    assert values["hosts", "web-1", "user"] == "deploy"
    assert values["defaults", "", "env.TOKEN"] == LEFT_OUT
    assert values["defaults", "", "proxy"] == "http://proxy.example:3128"
    hidden = {key for (_, _, key), value in values.items() if value == LEFT_OUT}
    assert hidden == {"env.TOKEN", "note", "proxy_command", "commands.deny", "checks.*.conf"}
    assert left_out.total() == len(hidden)
    assert set(learnable(settings)) == {"tok-123456", "S3cret-key"}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("ssh -W %h:%p bastion", []),
        ("sshpass -p Hunter2! ssh -W %h bastion", ["Hunter2!"]),
        ("nc --auth=Ab1cd --port=2222 /run/sock", ["Ab1cd"]),
        ("it's 'broken Qu0te", ["Qu0te"]),
    ],
)
def test_words_of_a_command_that_may_be_secrets(command: str, words: list[str]) -> None:
    assert list(words_of_command(command)) == words


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("socks5://u:p@h:1080", "socks5://h:1080"),
        ("environment", "environment"),
        ("http://h:99999", LEFT_OUT),
        ("secret", LEFT_OUT),
    ],
)
def test_of_a_proxy_only_the_machine_is_told(address: str, shown: str) -> None:
    assert safe_proxy(address) == shown


def test_of_the_ssh_configuration_commands_are_named_only() -> None:
    left_out = Counter[str]()
    commands = {"proxycommand": ("x -p y",), "setenv": ("A=b",), "localcommand": ("none",)}
    options = {"hostname": ("h",), **commands, "new": ("x",)}
    assert ssh_json(options, left_out) == {
        "hostname": ["h"],
        "proxycommand": [LEFT_OUT],
        "setenv": [LEFT_OUT],
        "localcommand": ["none"],
        "new": [LEFT_OUT],
    }
    assert left_out == {"value of proxycommand": 1, "value of setenv": 1, "value of new": 1}


TRACE = """Traceback (most recent call last):
  File "/usr/lib/python3/site-packages/backend/commands/running.py", line 12, in run
    connect("hunter2")
ValueError: hunter2 is wrong"""


def test_of_records_only_fields_of_a_list_go_in() -> None:
    left_out = Counter[str]()
    event = {
        "at": "2026-03-02T09:41:00Z",
        "level": "info",
        "logger": "fairlead.events",
        "message": "phase_seen",
        "host": "web-1",
        "seconds": 0.1,
        "reason": "hunter2",
        "evidence": {"method": "publickey", "command": "hunter2"},
    }
    told = safe_record(event, left_out)
    assert told == {**{key: event[key] for key in event if key != "reason"}, "evidence": {"method": "publickey"}}
    other = {"at": "x", "level": "info", "logger": "asyncssh", "message": "  Command: mysql -phunter2"}
    assert safe_record(other, left_out) == {"logger": "asyncssh", "at": "x", "level": "info"}
    ours = {"logger": "cli.logs", "message": "AUTH_DENIED: web-1 refused hunter2", "exception": TRACE}
    assert safe_record(ours, left_out) == {
        "logger": "cli.logs",
        "code": "AUTH_DENIED",
        "exception": ["commands/running.py:12 in run", "ValueError"],
    }
    assert left_out == {"field of a log record": 2, "log message": 1}


WORDS = st.text(min_size=6, max_size=12, alphabet="ghjkGHJK")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | WORDS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["evidence", "reason"]), inner),
        max_leaves=8,
    )
)
def test_no_text_of_an_unlisted_field_comes_through(value: object) -> None:
    record = {"logger": "fairlead.events", "message": "phase_seen", "x": value, "evidence": {"command": value}}
    told = json.dumps(safe_record(record, Counter()))
    assert not any(word in told for word in _texts(value))


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def test_lines_that_are_no_records_are_counted_only() -> None:
    left_out = Counter[str]()
    assert list(safe_records(["hunter2", "[1]", "", '{"logger": "x"}'], left_out)) == [{"logger": "x"}]
    assert left_out == {"line that is no record": 2}


# --- other names ------------------------------------------------------------------------------------------------------

NAMES = Pseudonyms(hosts={"web-1", "web-10", "db.example"}, users={"mara", "root"}, home="/home/mara")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web-1 and web-10", "host-2 and host-3"),
        ("mara@DB.EXAMPLE:22", "user-1@host-1:22"),
        ("/home/mara/.ssh/id", "~/.ssh/id"),
        ("root@x", "root@x"),
        ("xweb-1 web-1x web-1-old", "xweb-1 web-1x web-1-old"),
        ("127.0.0.1 ::1 0.0.0.0", "127.0.0.1 ::1 0.0.0.0"),
        ("version 1.2.3.4.5", "version 1.2.3.4.5"),
        ("at 12:30:45", "at 12:30:45"),
        ("SHA256:ab:cd", "SHA256:ab:cd"),
    ],
)
def test_names_are_replaced_as_whole_words(text: str, shown: str) -> None:
    assert NAMES.text(text) == shown


def test_addresses_get_one_name_each() -> None:
    names = Pseudonyms(hosts=(), users=(), home="/")
    assert names.text("10.0.4.7:22, [fe80::1]:22, 10.0.4.7") == "address-1:22, [address-2]:22, address-1"
    assert names.table == {"10.0.4.7": "address-1", "fe80::1": "address-2"}


def test_domains_get_one_name_each_and_machines_that_nobody_named_count_as_hosts() -> None:
    names = Pseudonyms(
        hosts={"web-1.corp.acme.example", "gw", "10.0.4.7"}, users=(), home="/", domains=("Other-Firm.example",)
    )
    told = "web-1.corp.acme.example search corp.acme.example ACME.example other-firm.example"
    assert names.text(told) == "host-2 search domain-2 domain-1 domain-3"
    assert names.text("db-9.acme.example, DB-9.acme.example, x.other-firm.example") == "host-3, host-3, host-4"
    assert names.text("gw") == "host-1"
    untouched = "aes128-gcm@openssh.com notacme.example.org.txt config.toml"
    assert names.text(untouched) == untouched
    assert names.table["db-9.acme.example"] == "host-3"


@pytest.mark.parametrize("name", ["chacha20-poly1305@openssh.com", "curve25519-sha256@libssh.org"])
def test_a_host_of_those_who_name_algorithms_leaves_the_algorithms_their_names(name: str) -> None:
    names = Pseudonyms(hosts={"ftp.openssh.com", "www.libssh.org"}, users=(), home="/")
    assert names.text(name) == name


def test_names_are_found_in_forwards_and_lists() -> None:
    found = dotted_names("8080 [db.acme.example]:5432 me@gw.acme.example:22,10.0.0.1 lab.acme.example 1.2")
    assert list(found) == ["db.acme.example", "gw.acme.example", "lab.acme.example"]


# --- packing ----------------------------------------------------------------------------------------------------------

ENTRY = Entry("a.json", "things", "{}\n")
BUNDLE = Bundle(NOW, "0.1.0", ("web-1",), False, (ENTRY,), {"value of env": 2}, {"token": 1})


@pytest.mark.parametrize("name", ["x.tar.gz", "x.TGZ", "x.zip"])
def test_the_same_bundle_gives_the_same_file(name: str) -> None:
    check_name(PurePath(name))
    assert packed(BUNDLE, PurePath(name)) == packed(BUNDLE, PurePath(name))


@pytest.mark.parametrize("name", ["x.tar", "x", "x.gz"])
def test_another_suffix_is_a_mistake(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_name(PurePath(name))
    assert caught.value.code is Code.USAGE


def test_the_manifest_and_the_readme_say_what_is_in_it_and_what_is_not() -> None:
    readme, manifest, entry = BUNDLE.files()
    assert "2 × value of env" in readme.text
    assert "1 × token" in readme.text
    told = json.loads(manifest.text)
    assert (told["format"], told["version"], told["taken_out"]) == ("fairlead.bundle", 1, {"token": 1})
    assert [file["name"] for file in told["files"]] == [entry.name]
    assert told["files"][0]["bytes"] == 3


def test_the_last_events_are_kept_and_hints_to_redraw_are_not() -> None:
    bus = EventBus()
    recent = RecentEvents(bus, SystemClock())
    bus.publish(HealthChanged("web-1"))
    bus.publish(LatencyMeasured("web-1", 0.1))
    for number in range(KEPT + 1):
        bus.publish(Event(f"host-{number}"))
    kept = list(recent)
    assert [kept[0]["host"], kept[-1]["host"], len(kept)] == ["host-1", f"host-{KEPT}", KEPT]
    assert kept[0]["message"] == "event"
