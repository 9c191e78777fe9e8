"""Hashes by the host's own commands: every userland's tools, odd names, and no answer where there is none."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backend.connection.connector import Link
from backend.connection.interaction import Nobody
from backend.files.host_commands import LIMIT, NoAnswer, ask, ask_script, quote
from backend.files.host_digests import HostDigests
from backend.files.host_tools import HostTools
from tests.support.memory_files import TARGET, DirectoryHost

NAMES = (b"plain", b"-rf", b"a b", b"new\nline", b"back\\slash", b"quote'd", b"\xff", b"$(touch x)", b"*", b"")


def digests_of(host: DirectoryHost) -> HostDigests:
    async def link() -> Link:
        return await host.connect(TARGET, Nobody())

    links: list[Callable[[], Awaitable[Link]]] = [link]
    return HostDigests(HostTools(links))


@pytest.fixture
def host(tmp_path: Path) -> DirectoryHost:
    for number, name in enumerate(NAMES):
        if name:
            (tmp_path / os.fsdecode(name)).write_bytes(b"x" * number * 1000)
    return DirectoryHost(tmp_path)


def only_tools(monkeypatch: pytest.MonkeyPatch, directory: Path, *names: str) -> None:
    """A PATH with these commands and nothing else."""
    directory.mkdir()
    for name in ("sh", *names):
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"no {name} on this machine")
        (directory / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(directory))


@pytest.mark.parametrize(
    "tools",
    [
        ("sha256sum", "openssl", "xargs", "head"),
        ("sha256sum", "xargs", "head"),
        ("openssl", "xargs", "head"),
        ("sha256sum", "head"),
    ],
    ids=lambda tools: "+".join(tools),
)
async def test_every_name_is_hashed_with_whatever_the_host_has(
    host: DirectoryHost,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    tools: tuple[str, ...],
) -> None:
    only_tools(monkeypatch, tmp_path_factory.mktemp("tools") / "bin", *tools)
    digests = digests_of(host)
    paths = [os.path.join(host.home, name) for name in NAMES if name]
    expected = {path: hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).digest() for path in paths}
    assert await digests.files([*paths, host.home + b"/missing"], 100_000) == expected
    for path in paths:
        assert await digests.file(path, 1000) == expected[path]
    content = Path(os.fsdecode(paths[-1])).read_bytes()
    assert await digests.prefix(paths[-1], 1234) == hashlib.sha256(content[:1234]).digest()
    assert not (tmp_path_factory.getbasetemp() / "x").exists()


async def test_no_tool_or_no_commands_is_no_answer(
    host: DirectoryHost, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    only_tools(monkeypatch, tmp_path_factory.mktemp("tools") / "bin", "head", "xargs")
    for no_commands in (False, True):
        host.faults.no_commands = no_commands
        digests = digests_of(host)
        assert not await digests.available()
        assert await digests.file(host.home + b"/plain", 10) is None
        assert await digests.prefix(host.home + b"/plain", 10) is None
        assert await digests.files([host.home + b"/plain"], 10) is None
        assert digests.silence == "the host runs no commands that could hash files"


async def test_a_file_that_cannot_be_read_has_no_digest(host: DirectoryHost) -> None:
    digests = digests_of(host)
    assert await digests.file(host.home + b"/missing", 10) is None


@pytest.mark.parametrize("slow", ["sh", "sha256sum"])
async def test_an_answer_that_does_not_come_in_time_is_told_as_that(
    host: DirectoryHost, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, slow: str
) -> None:
    tools = tmp_path_factory.mktemp("tools") / "bin"
    only_tools(monkeypatch, tools, "sha256sum", "xargs", "head", "sleep")
    (tools / slow).unlink()
    (tools / slow).write_text("#!/bin/bash\nexec sleep 1000\n")
    (tools / slow).chmod(0o755)
    monkeypatch.setattr("backend.files.host_tools._PROBE_SECONDS", 0.5)
    monkeypatch.setattr("backend.files.host_digests._patience", lambda size: 0.5)
    digests = digests_of(host)
    assert await digests.files([host.home + b"/plain"], 10) is None
    assert digests.silence == "asked to hash files, the host did not answer in time"


async def test_text_of_login_files_does_not_confuse(host: DirectoryHost) -> None:
    link = await host.connect(TARGET, Nobody())
    assert await ask_script(link, b"printf %s " + quote(b"it's\n") + b"\n") == b"it's\n"


async def test_an_answer_without_end_or_with_a_bad_status_is_no_answer(host: DirectoryHost) -> None:
    link = await host.connect(TARGET, Nobody())
    assert await ask(link, b"head -c %d /dev/zero" % (LIMIT + 1)) is NoAnswer.FAILED
    assert await ask(link, b"echo x; exit 3") is NoAnswer.FAILED
    assert await ask(link, b"sleep 60", seconds=0.05) is NoAnswer.LATE
