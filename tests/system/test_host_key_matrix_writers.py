"""Several processes that write to one known_hosts at once: every line is there afterwards, whole and once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from backend.connection.host_keys import HostKey, HostNames, KnownHosts, load, parse
from backend.connection.interaction import HostKeyState
from backend.connection.target import KnownHostsFiles
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import ROOT, Program, ssh_config

pytestmark = pytest.mark.sshd

WRITES = 150
WRITER = """
import sys
from pathlib import Path
from backend.connection.host_key_file import remember, replace
from backend.connection.host_keys import parse
from backend.connection.target import KnownHostsFiles

file, who, count, hashes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] == "hashed"
old, new = (line.key for line in parse(Path(sys.argv[5]).read_bytes(), file))
files = KnownHostsFiles(user=(file,), hash_names=hashes)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    remember(files, f"{who}-{number}", old)
    if number % 5 == 0:
        replace(files, f"{who}-{number}", new)
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two keys as known_hosts lines."""
    root = tmp_path_factory.mktemp("keys")
    publics = [make_key(root / name).with_name(f"{name}.pub").read_text() for name in ("old", "new")]
    (root / "lines").write_text("".join(f"name {' '.join(public.split()[:2])}\n" for public in publics))
    return root / "lines"


@pytest.mark.parametrize("form", ["plain", "hashed"])
def test_of_two_processes_that_add_and_replace_no_line_is_lost_or_torn(tmp_path: Path, keys: Path, form: str) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("# the person's own words\nweb-1 ssh-ed25519 rubbish")  # and no newline at the end
    writers = [start_writer(file, who, form, keys) for who in ("one", "two")]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        _, told = writer.communicate(b"go\n", timeout=60)
        assert (writer.returncode, told) == (0, b"")
    check_all_there(file, keys)
    assert file.read_bytes().startswith(b"# the person's own words\nweb-1 ssh-ed25519 rubbish\n")
    assert (b"one-" in file.read_bytes()) is (form == "plain")


def start_writer(file: Path, who: str, form: str, keys: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), who, str(WRITES), form, str(keys)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def check_all_there(file: Path, keys: Path) -> None:
    old, new = (line.key for line in parse(keys.read_bytes(), keys))
    files = KnownHostsFiles(user=(file,))
    for who in ("one", "two"):
        for number in range(WRITES):
            known = load(files, HostNames(f"{who}-{number}"))
            assert [line.key for line in known.lines] == [new if number % 5 == 0 else old]
    content = file.read_bytes()
    assert content.endswith(b"\n")
    assert len(content.splitlines()) == 2 + 2 * WRITES == 2 + len(parse(content, file))


HOSTS = ("alpha", "beta", "gamma", "delta")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Sshd]]:
    root = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        yield {name: stack.enter_context(sshd(root / name)) for name in HOSTS}


@pytest.mark.parametrize("hashes", ["yes", "no"])
async def test_programs_that_meet_new_hosts_at_once_write_all_of_them_down(
    servers: dict[str, Sshd], tmp_path: Path, hashes: str
) -> None:
    """Side by side with OpenSSH's own client, which writes to the same file without a lock."""
    home, file = tmp_path / "home", tmp_path / "shared"
    home.mkdir()
    config = ssh_config(tmp_path / "config", servers, make_key(tmp_path / "key"), HashKnownHosts=hashes)
    config.write_text(config.read_text().replace(str(tmp_path / "known_hosts"), str(file)))
    calls = ["--batch", "-F", str(config), "--host-key", "accept-new", "run"]
    programs = [await Program(home).start(*calls, name, "--", "echo in") for name in HOSTS[:3]]
    theirs = await asyncio.create_subprocess_exec(
        *(
            "ssh",
            "-F",
            str(config),
            "-o",
            "StrictHostKeyChecking=accept-new",
            "-o",
            "BatchMode=yes",
            HOSTS[3],
            "echo in",
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    told = await asyncio.gather(*(process.communicate() for process in (*programs, theirs)))
    assert [out for out, _ in told] == [b"in\n"] * 4, told
    assert len(file.read_text().splitlines()) == 4
    for server in servers.values():
        known = load(KnownHostsFiles(user=(file,)), HostNames(f"[127.0.0.1]:{server.port}"))
        assert is_trusted(known, server)
    assert ("127.0.0.1" in file.read_text()) is (hashes == "no")


def is_trusted(known: KnownHosts, server: Sshd) -> bool:
    public = server.host_keys[0].with_name(server.host_keys[0].name + ".pub").read_bytes()
    key: HostKey = parse(b"name " + public, server.root)[0].key
    return known.judge(key).state is HostKeyState.TRUSTED
