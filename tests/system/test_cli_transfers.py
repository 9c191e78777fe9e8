"""`fairlead transfers` over a real server: what a killed program leaves behind, and two processes at one list."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, Ran, ssh_config
from tests.support.transfer_world import mixed_tree, snapshot

pytestmark = pytest.mark.sshd

MB = 1_000_000


class Desk:
    """The program and a server called `box`."""

    def __init__(self, root: Path, server: Sshd) -> None:
        self.here, self.there = root / "here", root / "there"
        for directory in (self.here, self.there):
            directory.mkdir()
        self.config = ssh_config(self.here / "ssh_config", {"box": server}, make_key(self.here / "key"))
        self.program = Program(self.here)

    def call(self, *arguments: str) -> Ran:
        return self.program.run(*arguments, "-F", str(self.config), "--batch")

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await self.program.start(*arguments, "-F", str(self.config), "--batch")

    def transfers(self, *arguments: str) -> Ran:
        return self.call("transfers", *arguments)

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.transfers("list", "--all", "--json").out)
        return found

    def states(self) -> list[str]:
        return [one["state"] for one in self.listed()]

    def file(self, name: str, size: int) -> Path:
        path = self.here / name
        path.write_bytes(random.Random(size).randbytes(size))
        return path

    async def until(self, process: asyncio.subprocess.Process, size: int) -> dict[str, Any]:
        """The one transfer there is, once the list says that so many bytes have arrived."""
        async with asyncio.timeout(60):
            while True:
                listed = await asyncio.to_thread(self.listed)
                if listed and listed[0]["progress"]["bytes_done"] >= size:
                    return listed[0]
                assert process.returncode is None, "it ended too early"
                await asyncio.sleep(0.05)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with sshd(tmp_path / "sshd") as server:
        yield Desk(tmp_path, server)


async def end(process: asyncio.subprocess.Process, number: signal.Signals) -> bytes:
    process.send_signal(number)
    _, err = await process.communicate()
    return err


async def test_a_killed_put_is_listed_as_interrupted_and_goes_on(desk: Desk) -> None:
    tree = mixed_tree(desk.here / "tree", random.Random(5))
    (tree / "big").write_bytes(random.Random(6).randbytes(40 * MB))
    process = await desk.start("put", "--limit", "3M", "tree", f"box:{desk.there}/copy")
    before = await desk.until(process, 12 * MB)
    assert before["process"] == process.pid
    assert before["state"] == "copying"
    await end(process, signal.SIGKILL)
    (record,) = desk.listed()
    assert (record["id"], record["state"], record["process"]) == (before["id"], "interrupted", None)
    assert record["progress"]["bytes_done"] >= 12 * MB
    ran = desk.transfers("resume", "--limit", "1G", "--json")
    assert ran.status == 0, ran.err
    assert ran.json["failed"] == 0
    assert ran.json["resumed_bytes"] > 5 * MB
    assert snapshot(desk.there / "copy") == snapshot(tree)
    assert desk.states() == ["done"]
    assert desk.transfers("resume").err == b"nothing to go on with\n"
    assert desk.transfers("clear", "--json").json == {"forgotten": 1}
    assert desk.listed() == []


async def test_a_put_stopped_with_ctrl_c_waits_to_be_asked_for(desk: Desk) -> None:
    desk.file("big", 30 * MB)
    process = await desk.start("put", "--limit", "2M", "big", f"box:{desk.there}/")
    record = await desk.until(process, 5 * MB)
    err = await end(process, signal.SIGINT)
    assert process.returncode == 130
    assert f"fairlead transfers resume {record['id']}".encode() in err
    assert desk.states() == ["paused"]
    ran = desk.transfers("retry", record["id"])
    assert ran.err.decode() == (
        f"{record['id']}: nothing failed in it; go on with: fairlead transfers resume {record['id']}\n"
    )
    assert desk.transfers("list").out.split(b"  ")[:2] == [record["id"].encode(), b"paused"]
    ran = desk.transfers("resume", record["id"][:3], "--limit", "1G")
    assert ran.status == 0, ran.err
    assert (desk.there / "big").read_bytes() == (desk.here / "big").read_bytes()


async def test_one_process_pauses_resumes_and_cancels_what_another_does(desk: Desk) -> None:
    desk.file("big", 60 * MB)
    process = await desk.start("put", "--limit", "1M", "big", f"box:{desk.there}/")
    identity = (await desk.until(process, MB))["id"]
    ran = desk.transfers("pause", identity)
    assert (ran.status, ran.err) == (0, f"{identity}: paused\n".encode())
    held = desk.listed()[0]
    assert (held["state"], held["process"]) == ("paused", process.pid)
    again = desk.transfers("pause", identity)
    assert (again.status, again.err) == (4, f"{identity}: cannot pause, it is paused\n".encode())
    ran = desk.transfers("resume", identity)
    assert (ran.status, ran.err) == (0, f"{identity}: goes on\n".encode())
    await desk.until(process, held["progress"]["bytes_done"] + MB)
    assert desk.transfers("cancel", identity, "--json").json == {
        "id": identity,
        "asked": "cancel",
        "state": "cancelled",
        "confirmed": True,
    }
    _, err = await process.communicate()
    assert process.returncode == 130
    assert desk.states() == ["cancelled"]
    told = f"{identity} is paused; go on with: fairlead transfers resume {identity}\n{identity} goes on\n"
    assert err.decode().startswith(told)


async def test_a_process_that_does_not_answer_is_not_said_to_have(desk: Desk) -> None:
    desk.file("big", 60 * MB)
    process = await desk.start("put", "--limit", "1M", "big", f"box:{desk.there}/")
    identity = (await desk.until(process, MB))["id"]
    process.send_signal(signal.SIGSTOP)
    ran = desk.transfers("pause", identity)
    expected = f"{identity}: asked to pause, not yet confirmed by process {process.pid}\n"
    assert (ran.status, ran.err.decode()) == (4, expected)
    assert desk.listed()[0]["asked_to"] == "pause"
    process.send_signal(signal.SIGCONT)
    async with asyncio.timeout(30):
        while desk.states() != ["paused"]:
            await asyncio.sleep(0.1)
    await end(process, signal.SIGKILL)
    assert desk.states() == ["paused"], "a person held it up"


def test_what_failed_is_copied_alone_by_retry(desk: Desk) -> None:
    tree = mixed_tree(desk.here / "tree", random.Random(5))
    (desk.there / "tree/medium").mkdir(parents=True)
    ran = desk.call("put", "tree", f"box:{desk.there}/")
    assert ran.status == 4
    (record,) = desk.listed()
    assert (record["state"], record["progress"]["failed"]) == ("failed", 1)
    assert b"failed, 1 items" in desk.transfers("list").out
    (desk.there / "tree/medium").rmdir()
    ran = desk.transfers("retry", record["id"], "--json")
    assert ran.status == 0, ran.err
    (again,) = desk.listed()
    assert ran.err.decode().startswith(f"{record['id']} is {again['id']} now: 1 of put {tree} → box:")
    assert (ran.json["files"], ran.json["bytes"]) == (1, 300_000)
    assert snapshot(desk.there / "tree") == snapshot(tree)


@pytest.mark.parametrize(
    "arguments",
    [
        ("transfers", "pause", "nothing"),
        ("transfers", "resume", "nothing"),
        ("transfers", "pause"),
        ("transfers", "move", "x"),
        ("put", "--on-conflict", "ask", "big", "box:/tmp/"),
    ],
)
def test_what_cannot_be_meant_is_2_and_nothing_is_kept(arguments: tuple[str, ...], desk: Desk) -> None:
    desk.file("big", 10)
    ran = desk.call(*arguments)
    assert ran.status == 2, ran.err
    assert ran.err.startswith(b"fairlead: ")
    assert desk.listed() == []


def test_a_copy_that_found_no_host_says_how_to_go_on_and_does(desk: Desk) -> None:
    desk.file("big", 10)
    away = desk.config.read_text().replace("Host box", "Host elsewhere", 1)
    address = desk.config.read_text()
    desk.config.write_text(f"Host box\n  HostName 127.0.0.1\n  Port 1\n{away}")
    ran = desk.call("put", "big", f"box:{desk.there}/")
    assert ran.status == 255
    (record,) = desk.listed()
    assert record["state"] == "interrupted"
    assert record["error"]["code"] == "TCP_REFUSED"
    desk.config.write_text(address)
    assert desk.transfers("resume").status == 0
    assert (desk.there / "big").exists()
