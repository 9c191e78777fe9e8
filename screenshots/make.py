"""`make screenshots`: a picture of each screen from the demo world, the same each time, as SVG beside this file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from screenshots.scene import Scene

SIZE = (120, 36)
HERE = Path(__file__).resolve().parent

Act = Callable[[Scene, Pilot[Any]], Awaitable[None]]


async def connections(scene: Scene, pilot: Pilot[Any]) -> None:
    """A host that only one of its routes reaches, connected for a while, and another one beside it."""
    await scene.connect(pilot, "web-1")
    scene.app.host = "gpu-7"
    await scene.connect(pilot, "gpu-7")
    await scene.pass_time(pilot, 1870)


async def commands(scene: Scene, pilot: Pilot[Any]) -> None:
    """A few commands and what they wrote."""
    await scene.connect(pilot, "web-1")
    await pilot.press("2")
    await scene.settle(pilot)
    for line in ("uptime", "df -h", "ls -l /srv/app"):
        await pilot.press(*line, "enter")
        await scene.finish_work(pilot)


async def files(scene: Scene, pilot: Pilot[Any]) -> None:
    """This machine on the left, the host on the right, and what was copied below."""
    await pilot.press("enter")
    await scene.settle(pilot)
    await pilot.press("3")
    await scene.settle(pilot)
    await pilot.press("down", "down", "c")
    await scene.finish_work(pilot)
    await pilot.press("end", "c")
    await scene.finish_work(pilot)


async def diagnostics(scene: Scene, pilot: Pilot[Any]) -> None:
    """A ladder through a bastion that breaks at the host behind it."""
    scene.world["db-2"].faults.refuses = True
    await pilot.press("down", "d")
    await scene.settle(pilot)


async def host_key(scene: Scene, pilot: Pilot[Any]) -> None:
    """A host that nobody has seen before."""
    scene.forget_host_key("web-1")
    await pilot.press("enter")
    await scene.settle(pilot)


async def changed_key(scene: Scene, pilot: Pilot[Any]) -> None:
    """A host that shows another key than before."""
    await pilot.press("down", "down", "down", "enter")
    await scene.settle(pilot)


PICTURES: dict[str, Act] = {
    "connections": connections,
    "commands": commands,
    "files": files,
    "diagnostics": diagnostics,
    "host-key": host_key,
    "changed-key": changed_key,
}


async def take(name: str, act: Act, home: Path) -> Path:
    """One picture, of a world of its own."""
    scene = Scene(home)
    os.chdir(scene.local_project())
    async with scene.app.run_test(size=SIZE) as pilot:
        await scene.settle(pilot)
        await act(scene, pilot)
        await scene.picture(pilot)
        svg = scene.app.export_screenshot(title="fairlead")
    path = HERE / f"{name}.svg"
    await asyncio.to_thread(path.write_text, svg, encoding="utf-8")
    return path


def main() -> None:
    """Take all pictures."""
    os.environ |= {"TEXTUAL_ANIMATIONS": "none", "TZ": "UTC", "LC_ALL": "C.UTF-8", "COLORTERM": "truecolor"}
    os.environ.pop("NO_COLOR", None)
    for name, act in PICTURES.items():
        with tempfile.TemporaryDirectory() as home, contextlib.chdir(home):
            os.environ["HOME"] = home
            print(asyncio.run(take(name, act, Path(home))).relative_to(HERE.parent))  # noqa: T201 - a program


if __name__ == "__main__":
    main()
