"""Which kinds of real hosts this machine can run, and what happens where it cannot: skip here, fail where required.

`FAIRLEAD_REQUIRE=sshd,netns,modules,slurm,promtool` (set by `.ci/run`) turns a skip of those tiers into a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

SSHD = Path("/usr/sbin/sshd")


def required() -> frozenset[str]:
    """The tiers that must not be skipped."""
    return frozenset(name for name in os.environ.get("FAIRLEAD_REQUIRE", "").split(",") if name)


def unavailable(tier: str, reason: str) -> NoReturn:
    """Skip the test, or fail it where the tier is required."""
    if tier in required():
        pytest.fail(f"the {tier} tier is required and cannot run: {reason}", pytrace=False)
    pytest.skip(f"{tier}: {reason}")


def need_sshd() -> None:
    """Call before starting an OpenSSH server."""
    if not SSHD.exists():
        unavailable("sshd", "no /usr/sbin/sshd; on Debian and Ubuntu: apt install openssh-server")


def need_root(why: str) -> None:
    """Call before something that only root may do; part of the netns tier, which CI requires."""
    if os.geteuid() != 0:
        unavailable("netns", f"{why} needs root")


@cache
def _namespaces_work() -> str:
    if os.geteuid() != 0:
        return "needs root"
    if shutil.which("ip") is None:
        return "no ip command; on Debian and Ubuntu: apt install iproute2"
    name = f"fairlead-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return made.stderr.strip() or "ip netns add failed"
    subprocess.run(["ip", "netns", "del", name], check=False)
    return ""


def need_namespaces() -> None:
    """Call before making network namespaces."""
    if problem := _namespaces_work():
        unavailable("netns", problem)


def need_promtool() -> str:
    """Its path. Call before checking what Prometheus is to read."""
    path = shutil.which("promtool")
    if path is None:
        unavailable("promtool", "no promtool; on Debian and Ubuntu it is in the package prometheus")
    return path


def need_program(name: str) -> str:
    """Its path. Call before running a program that people have on their hosts; part of the sshd tier."""
    path = shutil.which(name)
    if path is None:
        unavailable("sshd", f"no {name}; on Debian and Ubuntu: apt install {name}")
    return path
