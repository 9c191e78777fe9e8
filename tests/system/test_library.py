"""The library: the same services from Python, with and without an event loop, simulated and over OpenSSH."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import Code
from backend.files.sync.model import Options
from cli.library import BlockingFairlead, Fairlead, FairleadError
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import ssh_config

AWKWARD = ["a b", "it's", "$(id)", "-n", "two\nlines", "*"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
    root = tmp_path_factory.mktemp("box")
    key = make_key(root / "key")
    with sshd(root / "server", f"SetEnv XDG_STATE_HOME={root}/state") as running:
        (root / "config.toml").touch()
        yield running, ssh_config(root / "ssh_config", {"box": running}, key)


def _open(server: tuple[Sshd, Path], state: Path) -> Fairlead:
    return Fairlead(ssh_config=server[1], config=server[1].parent / "config.toml", state_dir=state)


@pytest.mark.sshd
async def test_commands_files_and_looks_over_openssh(server: tuple[Sshd, Path], tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "one").write_bytes(bytes(range(256)))
    there = tmp_path / "there"
    there.mkdir()
    async with _open(server, tmp_path / "state") as fairlead:
        done = await fairlead.run("box", ["printf", "%s|", *AWKWARD], cwd=str(there), env={"X": "y"})
        assert (done.status, done.text) == (0, "".join(f"{word}|" for word in AWKWARD))
        failed = await fairlead.run("box", 'cat; echo "$X" >&2; exit 3', stdin=b"in", env={"X": "y"})
        assert (failed.status, failed.out, failed.err, failed.succeeded) == (3, b"in", b"y\n", False)
        cut = await fairlead.run("box", "echo 123456", keep=3)
        assert (cut.out, cut.truncated) == (b"123", True)
        job = await fairlead.detach("box", ["touch", "a job's"], cwd=str(there))
        async for _ in (await fairlead.services.jobs.logs("box", job.id)).pieces():
            pass
        assert (there / "a job's").exists()
        await fairlead.services.jobs.remove("box", job.id)
        put = await fairlead.put(tmp_path / "tree", f"box:{there}/")
        assert put.progress.verified == 1
        got = await fairlead.get(f"box:{there}/tree/one", tmp_path / "back")
        assert got.progress.files_done == 1
        assert (tmp_path / "back").read_bytes() == bytes(range(256))
        (there / "tree" / "more").touch()
        kept = await fairlead.sync(f"{tmp_path}/tree/", f"box:{there}/tree/")
        assert kept.error is None and (there / "tree" / "more").exists()
        await fairlead.sync(f"{tmp_path}/tree/", f"box:{there}/tree/", options=Options(delete=True))
        assert not (there / "tree" / "more").exists()
        assert (await fairlead.diagnose("box")).failed is None
        assert (await fairlead.health("box")).error is None


@pytest.mark.sshd
async def test_what_fails_is_raised_with_its_code(server: tuple[Sshd, Path], tmp_path: Path) -> None:
    async with _open(server, tmp_path / "state") as fairlead:
        with pytest.raises(FairleadError) as caught:
            await fairlead.run("box", "sleep 100", time_limit=0.1)
        assert caught.value.code is Code.TIME_LIMIT
        with pytest.raises(FairleadError) as caught:
            await fairlead.get("box:/nothing/here", tmp_path / "x")
        assert caught.value.code is Code.NOT_FOUND
        with pytest.raises(FairleadError) as caught:
            await fairlead.get(["box:a", "other:b"], tmp_path / "x")
        assert caught.value.code is Code.USAGE


def test_without_an_event_loop_in_the_simulated_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_DEMO", "1")
    with BlockingFairlead(state_dir=tmp_path / "state") as fairlead:
        assert fairlead.run("web-1", ["hostname"]).text == "web-1\n"
        fairlead.get("web-1:/srv/app/releases/", tmp_path / "got")
        assert any((tmp_path / "got").iterdir())
        with pytest.raises(FairleadError) as caught:
            fairlead.put(tmp_path / "got", "web-1:/srv/app/")
        assert caught.value.code is Code.PRODUCTION_HOST
        with pytest.raises(FairleadError) as caught:
            fairlead.sync(tmp_path / "got", "web-1:/srv/app/")
        assert caught.value.code is Code.PRODUCTION_HOST
    assert "fairlead" not in {thread.name for thread in threading.enumerate()}


def test_an_interrupt_stops_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seconds: float | None = None) -> None:
        raise KeyboardInterrupt

    with BlockingFairlead(demo=True, state_dir=tmp_path / "state") as fairlead:
        assert fairlead.run("gpu-7", "true").succeeded
        monkeypatch.setattr("concurrent.futures.Future.result", lambda self, timeout=None: interrupted())
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            fairlead.run("gpu-7", "sleep 1000")
        monkeypatch.undo()
        assert time.monotonic() - began < 9, "it was waited for in vain"
        assert fairlead.run("gpu-7", "true").succeeded


def test_it_must_be_open() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = Fairlead(demo=True).services
