"""Which processes belong to a job, told by every awk of this machine."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.commands.jobs.awk import MEMBERS

ROOT = 7


@pytest.mark.parametrize("awk", ["awk", "gawk", "mawk", "busybox"])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(10, 30)), st.lists(st.integers(0, 100), min_size=20, max_size=20))
def test_all_below_the_root_are_told_with_parents_before_their_children(
    awk: str, pids: list[int], parents: list[int]
) -> None:
    """A tree below the root, beside another one that is nobody's."""
    program = shutil.which(awk)
    if program is None:
        pytest.skip(f"{awk} is not installed")
    below: dict[int, int] = {ROOT: 1}
    for pid, choice in zip(pids, parents, strict=True):
        below[pid] = sorted(below)[choice % len(below)]
    lines = [f"{pid} {parent} 5 5" for pid, parent in {**below, 40: 1, 41: 40, 1: 0}.items()]
    told = subprocess.run(
        [program, *(["awk"] if awk == "busybox" else []), "-v", f"root={ROOT}", MEMBERS],
        input="\n".join(lines).encode(),
        capture_output=True,
        check=True,
    ).stdout
    order = [int(line.split()[0]) for line in told.splitlines()]
    assert sorted(order) == sorted(pids)
    place = {ROOT: -1} | {pid: number for number, pid in enumerate(order)}
    assert all(place[below[pid]] < place[pid] for pid in order)


def test_what_has_the_root_s_session_belongs_to_it_wherever_it_is() -> None:
    lines = b"1 0 1 1\n7 1 7 7\n8 1 7 8\n9 8 9 9\n10 1 10 10\n"
    told = subprocess.run(["awk", "-v", "root=7", MEMBERS], input=lines, capture_output=True, check=True).stdout
    assert told == b"8 8\n9 9\n"
