"""Who holds what in the store, and that a holder who is killed is seen to be gone at once."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.leases import Holder, Life, settle_leases
from tests.support.program import ROOT

_HOLDS = """
import sys
from pathlib import Path
from backend.leases import Holder
holder = Holder(Path(sys.argv[1]))
holder.begin()
print(holder.name, flush=True)
sys.stdin.read()
"""


def test_a_holder_is_alive_until_it_closes(tmp_path: Path) -> None:
    one, other = Holder(tmp_path / "holders"), Holder(tmp_path / "holders")
    one.begin()
    other.begin()
    assert other.life_of(one.name) is Life.ALIVE
    assert one.life_of(one.name) is Life.ALIVE
    one.close()
    assert other.life_of(one.name) is Life.GONE
    one.close()
    other.close()
    assert list((tmp_path / "holders").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no flock(2)")
def test_a_holder_that_is_killed_is_gone_and_leaves_nothing(tmp_path: Path) -> None:
    me = Holder(tmp_path)
    me.begin()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert me.life_of(name) is Life.ALIVE
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert me.life_of(name) is Life.GONE
    assert [path.name for path in tmp_path.iterdir()] == [me.name]
    me.close()


@given(
    leases=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 20)), max_size=12),
    lives=st.fixed_dictionaries({name: st.sampled_from(Life) for name in "abc"}),
)
def test_what_is_over_is_told_by_the_holder_and_else_by_the_time(
    leases: list[tuple[str, int]], lives: dict[str, Life]
) -> None:
    now = 10.0
    over: dict[Life, Callable[[int], bool]] = {
        Life.ALIVE: lambda lease: False,
        Life.GONE: lambda lease: True,
        Life.UNKNOWN: lambda lease: lease <= now,
    }
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE TABLE things (owner TEXT, lease REAL)")
        db.executemany("INSERT INTO things VALUES (?, ?)", leases)
        settle_leases(db, "things", lives.__getitem__, now)
        found = db.execute("SELECT lease <= ? FROM things ORDER BY rowid", (now,)).fetchall()
    finally:
        db.close()
    assert [bool(row[0]) for row in found] == [over[lives[owner]](lease) for owner, lease in leases]
