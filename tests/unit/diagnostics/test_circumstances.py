"""What this machine knows about a failure: told where it bears on it, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.connection.target import Target
from backend.diagnostics.circumstances import Failure, Known, circumstances, local_route
from backend.errors import Code, FairleadError
from backend.hosts.book import HostBook
from tests.support.openssh import make_key
from tests.support.scripted import ScriptedBook, hop

THEN = datetime(2026, 2, 3, 4, 5, tzinfo=UTC)


def known(last: datetime | None = None, *connected: str, book: HostBook | None = None) -> Known:
    async def last_success(host: str) -> datetime | None:
        return last

    return Known(book or ScriptedBook(), last_success, lambda: connected)


def failure(code: Code, address: str = "web-1.example", **more: object) -> Failure:
    from dataclasses import replace

    there = replace(hop("web-1"), address=address)
    return Failure(FairleadError(code, evidence={"address": address}), there, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", [Code.TCP_REFUSED, Code.TCP_TIMEOUT, Code.BANNER_CLOSED, Code.BANNER_SILENT])
async def test_an_earlier_success_says_that_name_and_port_are_right(code: Code, tmp_path: Path) -> None:
    found = await circumstances(failure(code), known(THEN), hosts_file=tmp_path / "none")
    assert found.evidence["last_success"] == "2026-02-03 04:05 UTC"
    assert "shuts this machine out" in found.advice[0].text


@pytest.mark.parametrize("code", [Code.AUTH_DENIED, Code.HOST_KEY_CHANGED, Code.NAME_NOT_FOUND, Code.SHELL_NOISE])
async def test_it_says_nothing_where_the_past_explains_nothing(code: Code) -> None:
    found = await circumstances(failure(code), known(THEN))
    assert (dict(found.evidence), found.advice) == ({}, ())


async def test_a_line_of_the_hosts_file_that_decides_the_address_is_shown(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n# 10.0.0.1 web-1.example\n10.0.0.9\tWEB-1.example web-1 # old\x1b[2J\n")
    found = await circumstances(failure(Code.TCP_TIMEOUT), known(), hosts_file=hosts)
    assert found.evidence["hosts_file"] == "line 3: 10.0.0.9 web-1.example web-1"
    assert str(hosts) in found.advice[0].text
    assert not (await circumstances(failure(Code.TCP_TIMEOUT, "web-2.example"), known(), hosts_file=hosts)).evidence


async def test_of_simulated_hosts_this_machines_names_and_routes_say_nothing(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("10.0.0.9 web-1.example\n")
    lost = failure(Code.TCP_TIMEOUT, addresses=("127.0.0.1:22",))
    assert "route_here" in (await circumstances(lost, known(), hosts_file=hosts)).evidence
    apart = Known(ScriptedBook(), looks_here=False)
    assert not (await circumstances(lost, apart, hosts_file=hosts)).evidence


async def test_every_address_that_was_tried_is_told_where_they_are_several(tmp_path: Path) -> None:
    two = ("192.0.2.1:22", "[2001:db8::1]:22")
    found = await circumstances(failure(Code.TCP_REFUSED, addresses=two), known(), hosts_file=tmp_path / "none")
    assert found.evidence["addresses"] == ", ".join(two)


async def test_a_public_half_that_is_another_keys_is_told(tmp_path: Path) -> None:
    from dataclasses import replace

    key, other = make_key(tmp_path / "mine"), make_key(tmp_path / "other")
    there = replace(hop("web-1"), identity_files=(other, key))
    denied = Failure(FairleadError(Code.AUTH_DENIED), there)
    assert not (await circumstances(denied, known())).evidence
    key.with_name("mine.pub").write_text(other.with_name("other.pub").read_text())
    found = await circumstances(denied, known())
    assert found.evidence["public_half"] == f"{key}.pub holds another key than {key}"
    assert found.advice[0].command == f"ssh-keygen -y -f {key} > {key}.pub"


@pytest.mark.parametrize("host", ["$(id)", "--help", "web-1", "1.2.3.4; id", ""])
async def test_only_numeric_addresses_are_looked_up_in_the_routing_table(host: str) -> None:
    assert await local_route(host) == ""


def another(name: str, **more: object) -> Target:
    from dataclasses import replace

    changes = {"address": "web-1.example", "user": "root", **more}
    return Target(name, (replace(hop(name), **changes),))  # type: ignore[arg-type]


async def test_another_way_into_the_machine_is_proposed_the_connected_one_first() -> None:
    book = ScriptedBook(another("web-1-admin"), another("typed"), another("else", address="192.0.2.99"))
    denied = failure(Code.AUTH_DENIED, host="web-1")
    found = await circumstances(denied, known(book=book))
    assert found.advice[0].command == "fairlead diagnose web-1 --inside web-1-admin"
    assert "same address" in found.advice[0].text, "which may lead to another machine: behind a port, or a balancer"
    found = await circumstances(denied, known(None, "typed", book=book))
    assert found.advice[0].command == "fairlead diagnose web-1 --inside typed"


async def test_the_same_login_under_another_name_is_no_other_way_in() -> None:
    same = failure(Code.AUTH_DENIED, host="web-1").hop
    book = ScriptedBook(Target("alias", (same,)))
    assert (await circumstances(failure(Code.AUTH_DENIED, host="web-1"), known(book=book))).advice == ()
