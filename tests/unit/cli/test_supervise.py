"""Signals end a command in an orderly way, and within a bounded time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from backend.errors import Code, FairleadError, Interrupted
from cli.statuses import status_of
from cli.supervise import supervise


async def _hit(number: int) -> None:
    """Signal ourselves, and wait for the loop to notice."""
    os.kill(os.getpid(), number)
    await asyncio.Event().wait()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_cancels_the_work_and_its_clean_up_runs(number: int, status: int) -> None:
    cleaned_up: list[str] = []

    async def work() -> int:
        try:
            await _hit(number)
        finally:
            await asyncio.sleep(0)
            cleaned_up.append("yes")
        return 0

    with pytest.raises(Interrupted) as caught:
        supervise(work)
    assert cleaned_up == ["yes"]
    assert status_of(caught.value) == status


def test_what_the_command_knows_about_its_end_is_kept() -> None:
    async def work() -> int:
        try:
            await _hit(signal.SIGTERM)
        except asyncio.CancelledError:
            raise Interrupted(Code.INTERRUPTED, "Stopped; it still runs.", host="web-1", advice=()) from None
        return 0

    with pytest.raises(Interrupted, match="it still runs") as caught:
        supervise(work)
    assert (caught.value.host, status_of(caught.value)) == ("web-1", 143)


def test_results_and_failures_pass_through() -> None:
    async def fine() -> int:
        return 7

    async def failing() -> int:
        raise FairleadError(Code.NOT_FOUND)

    assert supervise(fine) == 7
    with pytest.raises(FairleadError):
        supervise(failing)


def test_signals_mean_again_what_they_meant_before() -> None:
    async def fine() -> int:
        return 0

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    supervise(fine)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


_STUCK = """
import asyncio, os, signal, sys
from cli.supervise import supervise

async def work():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()
    finally:
        print("cleaning up", flush=True)
        if len(sys.argv) > 1:
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(3600)

sys.exit(supervise(work, grace=0.2 if len(sys.argv) == 1 else 3600))
"""


@pytest.mark.parametrize("arguments", [[], ["second-signal"]], ids=["after the grace", "at the second signal"])
def test_a_clean_up_that_never_ends_is_cut_off(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STUCK, *arguments], capture_output=True, timeout=30, check=False, text=True
    )
    assert done.stdout == "cleaning up\n"
    assert done.returncode == 130
    assert "not known" in done.stderr


_FULL = """
import fcntl, os
os.set_blocking(2, False)
try:
    while True:
        os.write(2, bytes(65536))
except BlockingIOError:
    os.set_blocking(2, True)
"""


@pytest.mark.parametrize("arguments", [[], ["second-signal"]], ids=["after the grace", "at the second signal"])
def test_the_end_does_not_wait_for_somebody_to_read_stderr(arguments: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _FULL + _STUCK, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.wait(20) == 130
        finally:
            process.kill()
