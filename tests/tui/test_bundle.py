"""The support bundle in the workbench: looked at first, then written."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.tui.conftest import DemoApp, shown
from tui.prompts.bundle import BundlePanel


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is written."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


async def test_it_is_shown_file_by_file_and_written_only_then(demo_app: DemoApp, here: Path) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("d")
        await scene.settle(pilot)
        await pilot.press("b")
        await scene.settle(pilot)
        text = shown(pilot)
        assert "hosts/1-web-1/report.html" in text
        assert "A support bundle of Fairlead" in text
        assert "taken out: nothing" in text
        assert list(here.iterdir()) == []
        await pilot.press("w")
        await scene.settle(pilot)
        assert not isinstance(pilot.app.screen, BundlePanel)
    (written,) = here.iterdir()
    with tarfile.open(written) as archive:
        assert any(name.endswith("/hosts/1-web-1/report.html") for name in archive.getnames())


async def test_hosts_can_be_given_other_names(demo_app: DemoApp, here: Path) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("d")
        await scene.settle(pilot)
        await pilot.press("b")
        await scene.settle(pilot)
        await pilot.press("a")
        await scene.settle(pilot)
        assert "other names ·" in shown(pilot)
        await pilot.press("w")
        await scene.settle(pilot)
    (written,) = here.iterdir()
    with tarfile.open(written) as archive:
        texts = [file.read() for one in archive if (file := archive.extractfile(one)) is not None]
        assert not [text for text in [*texts, *map(str.encode, archive.getnames())] if b"web-1" in text]


async def test_without_a_ladder_it_tells_what_is_known_without_connecting(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("4", "b")
        await scene.settle(pilot)
        text = shown(pilot)
        assert "settings.json" in text
        assert "report.html" not in text
        await pilot.press("escape")
        await scene.settle(pilot)
        assert not isinstance(pilot.app.screen, BundlePanel)
