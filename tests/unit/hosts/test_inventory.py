"""Inventories: what becomes an entry, what is told, and what a hostile file cannot do."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import ConfigError
from backend.hosts.inventory import Inventory, OnClash, parse_inventory, plan_import, read_inventory
from backend.settings.editing import add_tables
from backend.settings.reading import check_text

FILE = Path("/inv/distributed_hosts.yaml")

GOOD = """\
sync_routing: {a: 1}
defaults: &defaults
  ssh_user: ubuntu
  ssh_key: ~/.ssh/id_cluster
hosts:
  gpu-1:
    <<: *defaults
    ssh_host: 203.0.113.5
    ssh_port: 40022
    tailscale_ip: 100.64.0.7
    cloudflare_hostname: gpu-1.example.com
    cloudflare_tunnel: 7af2
    role: training
    memory_gb: 96.5
    gpus: [h100, h100]
    slots: {day: 2, night: 4}
    retired: null
    joined: 2025-12-01
  mac-studio:
    ssh_host: me@mac.local:2222
    ssh_prot: 23
    ssh_password: hunter2
"""


def read(text: str | bytes) -> Inventory:
    return parse_inventory(FILE, text.encode() if isinstance(text, str) else text)


def test_hosts_become_tables_and_what_has_no_place_is_kept() -> None:
    found = read(GOOD)
    assert found.problems == ()
    first = dict(found.hosts["gpu-1"])
    extra = first.pop("extra")
    assert first == {
        "address": "203.0.113.5",
        "user": "ubuntu",
        "identity_files": ["~/.ssh/id_cluster"],
        "port": 40022,
        "tailscale": "100.64.0.7",
        "cloudflare": "gpu-1.example.com",
    }
    assert extra.keys() == {"cloudflare_tunnel", "role", "memory_gb", "gpus", "slots", "joined"}
    assert (extra["memory_gb"], extra["slots"]) == (96.5, {"day": 2, "night": 4})
    second = found.hosts["mac-studio"]
    assert (second["address"], second["user"], second["port"]) == ("mac.local", "me", 2222)


def test_every_key_without_a_place_is_told_with_its_line_and_the_nearest() -> None:
    told = {problem.key: problem for problem in read(GOOD).remarks}
    assert (told["hosts.mac-studio.ssh_prot"].line, told["hosts.mac-studio.ssh_prot"].nearest) == (21, "ssh_port")
    assert told["hosts.gpu-1.role"].line == 13
    assert "left out" in told["hosts.gpu-1.retired"].message
    assert "left out" in told["sync_routing"].message


def test_secrets_are_told_and_never_taken() -> None:
    found = read("hosts:\n  a:\n    ssh_password: hunter2\n    api: {deep: [{auth_token: hunter2}], url: u}\n")
    assert "hunter2" not in repr(found.hosts)
    assert found.hosts["a"]["extra"]["api"] == {"deep": [{}], "url": "u"}
    assert sum("no secrets" in problem.message for problem in found.remarks) == 2


@pytest.mark.parametrize(
    "text",
    [
        "hosts:\n- name: a\n  ssh_host: h\n- name: b\n  ssh_host: i\n",
        "- {name: a, ssh_host: h}\n- {host: b, ssh_host: i}\n",
        "a: {ssh_host: h}\nb: {ssh_host: i}\n",
    ],
)
def test_lists_and_tables_are_understood(text: str) -> None:
    found = read(text)
    assert {name: table["address"] for name, table in found.hosts.items()} == {"a": "h", "b": "i"}
    assert (found.problems, found.remarks) == ((), ())


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("hosts:\n  a: 1\n", 2, "must be a table"),
        ("hosts: 1\n", 1, "table by name, or a list"),
        ("just words\n", 1, "no hosts in it"),
        ("", 1, "nothing in it"),
        ("hosts:\n- ssh_host: h\n", 2, "has no name"),
        ("hosts:\n- {name: a}\n- {name: a}\n", 3, "two hosts called a"),
        ("hosts:\n  a:\n    ssh_host: h\n    ssh_port: 70000\n", 4, "a port is a number"),
        ("hosts:\n  a:\n    ssh_port: [1]\n", 3, "a port is a number"),
        ("hosts:\n  a:\n    ssh_host: '-oProxyCommand=x'\n", 3, "does not begin with '-'"),
        ("hosts:\n  'a b':\n    ssh_host: h\n", 2, "a name has no spaces"),
        ('hosts:\n  a:\n    ssh_user: "x\\e[2J"\n', 3, "characters"),
        ("hosts:\n\t- a\n", 2, "not YAML"),
        ("hosts: [\n", 2, "not YAML"),
        ("hosts: *gone\n", 1, "not YAML"),
        (b"a: {ssh_host: h}\nb: \xff\n", 2, "not UTF-8"),
    ],
)
def test_each_mistake_is_told_with_its_line(text: str | bytes, line: int, message: str) -> None:
    found = read(text)
    assert [problem.line for problem in found.problems] == [line], found.problems
    assert message in found.problems[0].message
    assert all(problem.message.isprintable() for problem in found.problems)


def test_one_mistake_does_not_cost_the_other_hosts() -> None:
    found = read("hosts:\n  a: {ssh_port: 0}\n  b: {ssh_host: h}\n")
    assert list(found.hosts) == ["b"]
    assert len(found.problems) == 1


def test_a_key_that_stands_twice_is_told() -> None:
    found = read("hosts:\n  a:\n    ssh_host: h\n    ssh_host: i\n")
    assert found.hosts["a"]["address"] == "i"
    assert [problem.line for problem in found.remarks] == [4]


LEVELS = "abcdefghi"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    "text",
    [
        "hosts:\n  a:\n    note: " + "[" * 5000 + "]" * 5000,
        "hosts:\n  a: " + "{a: " * 2000 + "1" + "}" * 2000,
        BOMB + "hosts:\n  a: {note: *a8}\n",
        "hosts: &h\n  a: {note: *h}\n",
        "hosts:\n  a: &a\n    <<: *a\n",
        "x" * (5 << 20),
        "hosts: {a: {note: [" + "1," * 300_000 + "]}}",
    ],
    ids=["deep list", "deep table", "alias bomb", "circle", "circle of merging", "large", "many"],
)
def test_a_file_that_would_eat_the_machine_is_refused_in_time(text: str) -> None:
    began = time.monotonic()
    found = read(text)
    assert found.problems
    assert found.hosts == {}
    assert time.monotonic() - began < 20


def test_tags_make_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "made"
    found = read(f"hosts:\n  a:\n    note: !!python/object/apply:os.system ['touch {mark}']\n    x: !own 1\n")
    assert not mark.exists()
    assert dict(found.hosts["a"]) == {}
    assert len(found.remarks) == 2


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_inventory(tmp_path / "gone.yaml")


@pytest.mark.parametrize(
    ("on_clash", "written", "renamed", "skipped"),
    [
        (OnClash.SKIP, {"c"}, {}, ("a", "b")),
        (OnClash.OVERWRITE, {"a", "b", "c"}, {}, ()),
        (OnClash.RENAME, {"a-3", "b-2", "c"}, {"a-3": "a", "b-2": "b"}, ()),
    ],
)
def test_names_that_are_taken_are_counted(
    on_clash: OnClash, written: set[str], renamed: dict[str, str], skipped: tuple[str, ...]
) -> None:
    found = read("hosts: {a: {}, b: {}, c: {}}\n")
    plan = plan_import(found, {"a", "b", "a-2"}, on_clash)
    assert (set(plan.tables), plan.renamed, plan.skipped) == (written, renamed, skipped)
    assert plan.replacing == ({"a", "b"} if on_clash is OnClash.OVERWRITE else set())


TREES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def test_an_empty_text_says_nothing() -> None:
    found = read("hosts:\n  a:\n    ssh_host: ''\n    ssh_user: ''\n    ssh_port: 2222\n")
    assert (found.hosts, found.problems) == ({"a": {"port": 2222}}, ())


@given(st.dictionaries(st.sampled_from(["ssh_host", "ssh_port", "ssh_key", "role", "é", ""]), TREES, max_size=5))
def test_whatever_an_inventory_says_it_is_refused_or_makes_a_sound_file(table: dict[str, Any]) -> None:
    import yaml

    found = read(yaml.safe_dump({"hosts": {"a": table}}))
    text = add_tables("", {("hosts", name): one for name, one in found.hosts.items()})
    assert check_text(FILE, text) == ()
    assert tomllib.loads(text).get("hosts", {}) == found.hosts
    assert bool(found.hosts) != bool(found.problems)


@given(st.binary(max_size=60) | st.text(alphabet="hosts:a-[]{}&*!|>\n \t'\"%#?", max_size=60).map(str.encode))
def test_no_bytes_whatever_make_it_fail(raw: bytes) -> None:
    read(raw)
