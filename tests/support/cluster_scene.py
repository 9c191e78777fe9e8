"""The demo world's cluster on the commands screen: logged in to, with its questions answered."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.pilot import Pilot

from mocks.demo.listing import CODE, PASSWORD
from screenshots.scene import Scene
from tui.screens.commands import CommandsScreen

HOST = "cluster"


async def at_the_cluster(scene: Scene, pilot: Pilot[Any]) -> CommandsScreen:
    """Log in as a person does, and go to the commands."""
    await scene.settle(pilot)
    scene.app.host = HOST
    asked = asyncio.ensure_future(scene.app.services.sessions.get(HOST).link())
    await scene.settle(pilot, until=lambda: scene.app.screen.is_modal)
    await pilot.press(*PASSWORD, "enter", *CODE, "enter")
    await scene.settle(pilot, until=asked.done)
    await asked
    await pilot.press("2")
    await scene.settle(pilot)
    await scene.picture(pilot)  # what the host says when one logs in has been read
    front = scene.app.front
    assert isinstance(front, CommandsScreen)
    return front


async def run(scene: Scene, pilot: Pilot[Any], line: str) -> None:
    """Run a command line to its end."""
    front = scene.app.front
    assert isinstance(front, CommandsScreen)
    front.line.input.value = line
    await pilot.press("enter")
    await scene.finish_work(pilot)


async def open_session(scene: Scene, pilot: Pilot[Any], name: str) -> None:
    """Open a named session."""
    opening = asyncio.ensure_future(scene.app.services.shells.open(HOST, name))
    await scene.settle(pilot, until=opening.done)
    await opening
