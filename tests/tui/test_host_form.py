"""Hosts of one's own in the workbench: written down, changed, removed; over a real file in the demo world."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from backend.connection.state import SessionState
from backend.hosts.book import HostEntry, HostSource
from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, FakeApp, settled, shown, workbench
from tests.tui.fakes import FakeServices
from tui.form_fields import ALL
from tui.hosts import HostView
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.failure import FailurePrompt
from tui.prompts.host_form import HostForm
from tui.widgets.form_lines import FormFold
from tui.widgets.host_list import HostList


def _written(scene: Scene) -> dict[str, Any]:
    hosts: dict[str, Any] = tomllib.loads(scene.config.read_text())["hosts"]
    return hosts


def _line(pilot: Pilot[Any], key: str) -> Input:
    return pilot.app.screen.query_one(f"#field-{key}", Input)


_TABLES = ("keepalive", "timeouts")


def _words(pilot: Pilot[Any]) -> str:
    return " ".join(shown(pilot).replace("│", " ").split())


async def _fill(pilot: Pilot[Any], **texts: str) -> None:
    for key, text in texts.items():
        line = _line(pilot, key.replace("_", "-", 1) if key.startswith(_TABLES) else key)
        line.focus()
        line.value = text
        await pilot.pause()


async def _told(scene: Scene, pilot: Pilot[Any], text: str) -> None:
    """Wait until the form says so: it looks at key files in a thread."""
    await scene.settle(pilot, until=lambda: text in _words(pilot))


async def _saved(scene: Scene, pilot: Pilot[Any], name: str) -> None:
    await pilot.press("ctrl+s")
    await scene.settle(pilot, until=lambda: not pilot.app.screen.is_modal)
    await scene.settle(pilot, until=lambda: any(isinstance(row, HostView) and row.name == name for row in _rows(pilot)))


def _rows(pilot: Pilot[Any]) -> list[Any]:
    return list(pilot.app.screen.query_one(HostList).rows)


async def test_a_host_behind_a_bastion_is_written_down_key_by_key(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        assert "The only field that must be filled in." in _words(pilot)
        await pilot.press(*"lab-2", "enter", *"mara@10.9.1.8:2200", "enter")
        await pilot.pause()
        assert (_line(pilot, "address").value, _line(pilot, "user").value) == ("10.9.1.8", "mara")
        await pilot.press("enter", "enter", *"bast")
        await _told(scene, pilot, "Fits: bastion")
        await pilot.press("right")
        assert _line(pilot, "jump").value == "bastion"
        await _saved(scene, pilot, "lab-2")
        assert _written(scene)["lab-2"] == {"address": "10.9.1.8", "user": "mara", "port": 2200, "jump": "bastion"}
        assert workbench(pilot).host == "lab-2"
        current = pilot.app.screen.query_one(HostList).current
        assert isinstance(current, HostView)
        assert current.name == "lab-2"


async def test_a_host_that_was_written_down_can_be_connected_to_at_once(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        address = next(one for one in scene.world.listings if one.host.name == "db-2")
        await pilot.press("n")
        await scene.settle(pilot)
        await _fill(pilot, name="copy", address=address.address, user=address.user, jump="bastion")
        await _saved(scene, pilot, "copy")
        await pilot.press("enter")
        session = scene.app.services.sessions.get("copy")
        await scene.settle(pilot, until=lambda: session.state is SessionState.READY)


async def test_mistakes_are_told_beside_the_field_while_one_types(demo_app: DemoApp, size: tuple[int, int]) -> None:
    async with demo_app(size) as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        assert "✕" not in shown(pilot)
        await _fill(pilot, port="70000")
        await _told(scene, pilot, "✕ a port is a number from 1 to 65535")
        assert "a name is missing" not in _words(pilot)
        lines = shown(pilot).splitlines()
        place = next(number for number, line in enumerate(lines) if "70000" in line)
        assert "a port is a number" in lines[place + 1]
        await _fill(pilot, port="7000")
        await scene.settle(pilot, until=lambda: "✕" not in shown(pilot))


async def test_saving_goes_to_the_first_field_that_is_wrong(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        before = scene.config.read_text()
        await pilot.press("n")
        await scene.settle(pilot)
        await _fill(pilot, identity_files="~/.ssh/none", profile="labb")
        await pilot.press("ctrl+s")
        await _told(scene, pilot, "✕ a name is missing")
        assert "there is no such file" in _words(pilot)
        assert "there is no profile called labb" in _words(pilot)
        assert _line(pilot, "name").has_focus
        assert scene.config.read_text() == before


async def test_a_jump_host_that_nobody_knows_is_remarked_upon(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        await _fill(pilot, jump="bastoin")
        await _told(scene, pilot, "bastoin is no host you know")


async def test_esc_asks_when_something_was_typed_and_keeps_it(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        await pilot.press(*"lab-2", "escape")
        await scene.settle(pilot)
        assert isinstance(pilot.app.screen, ConfirmPrompt)
        assert "Not saved yet: name." in _words(pilot)
        await pilot.press("escape")
        await scene.settle(pilot)
        assert _line(pilot, "name").value == "lab-2"
        await pilot.press("escape")
        await scene.settle(pilot)
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: not pilot.app.screen.is_modal)
        assert "lab-2" not in _written(scene)


async def test_esc_leaves_a_form_that_nobody_touched(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("e")
        await scene.settle(pilot)
        assert _line(pilot, "name").value == "web-1"
        await pilot.press("escape")
        await scene.settle(pilot, until=lambda: not pilot.app.screen.is_modal)


async def test_an_entry_is_changed_and_what_the_form_does_not_know_stays(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        scene.config.write_text(scene.config.read_text().replace("[hosts.web-1]", "# mind this one\n[hosts.web-1]"))
        before = _written(scene)["web-1"]
        await pilot.press("e")
        await scene.settle(pilot)
        await _fill(pilot, note="moved in May", tags="web, new")
        await _saved(scene, pilot, "web-1")
        assert _written(scene)["web-1"] == {**before, "note": "moved in May", "tags": ["web", "new"]}
        assert "# mind this one" in scene.config.read_text()
        await scene.settle(pilot, until=lambda: "moved in May" in shown(pilot))


async def test_a_connected_host_stays_connected_while_its_entry_changes(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("enter")
        await scene.settle(pilot)
        session = scene.app.services.sessions.get("web-1")
        await pilot.press("e")
        await scene.settle(pilot)
        await _fill(pilot, note="x")
        await _saved(scene, pilot, "web-1")
        assert session.state is SessionState.READY


async def test_production_is_a_choice(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        await _fill(pilot, name="new")
        pilot.app.screen.query_one("#field-production").focus()
        await pilot.press("space")
        await _saved(scene, pilot, "new")
        assert _written(scene)["new"] == {"production": True}


async def test_what_is_rarely_needed_is_under_a_fold(demo_app: DemoApp, size: tuple[int, int]) -> None:
    async with demo_app(size) as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        assert not _line(pilot, "ssh_host").region
        ways = pilot.app.screen.query(FormFold).first()
        ways.focus()
        await pilot.press("down", "up", "x", "enter")
        assert _line(pilot, "ssh_host").has_focus
        assert "ssh alias" in shown(pilot)
        await pilot.press("up", "left")
        assert "ssh alias" not in shown(pilot)
        await pilot.press("down")
        assert pilot.app.screen.focused is list(pilot.app.screen.query(FormFold))[1]


async def test_routes_variables_and_limits_are_written_down(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        for fold in pilot.app.screen.query(FormFold):
            fold.opened = True
        await _fill(pilot, name="gpu", address="10.9.1.8", tailscale="100.64.0.8", proxy="socks5://p.example:1080")
        await _fill(pilot, routes="tailscale, jump:bas")
        await _told(scene, pilot, "Fits: jump:bastion")
        await pilot.press("right")
        await _fill(pilot, env='A=1 B="x y"', timeouts_login="120", keepalive_interval="2.5", idle_close="1800")
        pilot.app.screen.query_one("#field-agent").focus()
        await pilot.press("space", "space")
        await _saved(scene, pilot, "gpu")
        assert _written(scene)["gpu"] == {
            "address": "10.9.1.8",
            "tailscale": "100.64.0.8",
            "proxy": "socks5://p.example:1080",
            "routes": ["tailscale", "jump:bastion"],
            "agent": False,
            "env": {"A": "1", "B": "x y"},
            "idle_close": 1800,
            "keepalive": {"interval": 2.5},
            "timeouts": {"login": 120},
        }


async def test_a_mistake_under_a_fold_opens_it(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        await _fill(pilot, name="gpu", routes="direct, tailscale", env="A")
        await _told(scene, pilot, "✕ routes")
        await pilot.press("ctrl+s")
        await _told(scene, pilot, "the route tailscale needs a value for the key tailscale")
        await scene.settle(pilot, until=lambda: _line(pilot, "routes").has_focus)
        await pilot.press("pagedown")
        await _told(scene, pilot, "A has no '='")
        assert "gpu" not in _written(scene)
        await pilot.press("escape")
        await scene.settle(pilot)
        assert "Not saved yet: name, routes, variables." in _words(pilot)


async def test_somebody_elses_change_is_shown_and_overwritten_only_knowingly(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("e")
        await scene.settle(pilot)
        note = _written(scene)["web-1"]["note"]
        scene.config.write_text(scene.config.read_text().replace(note, "theirs"))
        await _fill(pilot, note="mine")
        await pilot.press("ctrl+s")
        await _told(scene, pilot, "says theirs here; save again to overwrite that")
        assert _written(scene)["web-1"]["note"] == "theirs"
        assert _line(pilot, "note").value == "mine"
        await _saved(scene, pilot, "web-1")
        assert _written(scene)["web-1"]["note"] == "mine"


async def test_an_entry_that_was_taken_out_meanwhile_can_be_written_anew(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("e")
        await scene.settle(pilot)
        scene.config.write_text("[hosts.other]\naddress = '10.0.0.1'\n")
        await _fill(pilot, note="mine")
        await pilot.press("ctrl+s")
        await _told(scene, pilot, "web-1 was taken out of config.toml meanwhile")
        await _saved(scene, pilot, "web-1")
        assert _written(scene)["web-1"]["note"] == "mine"
        assert "other" in _written(scene)


async def test_a_file_that_cannot_be_read_is_told_and_nothing_typed_is_lost(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        good = scene.config.read_text()
        scene.config.write_text(good + "\n[hosts.broken\n")
        await _fill(pilot, name="lab-2", address="10.9.1.8")
        await pilot.press("ctrl+s")
        await _told(scene, pilot, "this is not TOML")
        assert "What you typed stays here" in _words(pilot)
        assert _line(pilot, "address").value == "10.9.1.8"
        scene.config.write_text(good)
        await _saved(scene, pilot, "lab-2")
        assert _written(scene)["lab-2"] == {"address": "10.9.1.8"}


async def test_a_name_that_is_taken_cannot_be_taken_again(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        await _fill(pilot, name="web-1")
        await _told(scene, pilot, "there is an entry called web-1 already")


async def test_a_host_of_the_ssh_configuration_is_offered_as_an_own_entry(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.book.entries = (HostEntry("old-nas", HostSource.SSH_CONFIG, "~/.ssh/config:9"),)
    async with fake_app((80, 24)) as pilot:
        await pilot.press("e")
        await settled(pilot)
        assert isinstance(pilot.app.screen, HostForm)
        assert "~/.ssh/config:9 stays as it is." in _words(pilot)
        assert _line(pilot, "name").value == _line(pilot, "ssh_host").value == "old-nas"


async def test_removing_asks_and_names_what_goes(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("down", "down")
        await pilot.press("X")
        await scene.settle(pilot)
        text = _words(pilot)
        assert "remove bastion?" in text
        assert "jump host of db-2" in text
        await pilot.press("escape")
        await scene.settle(pilot)
        assert "bastion" in _written(scene)
        await pilot.press("delete")
        await scene.settle(pilot)
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: all(getattr(row, "name", "") != "bastion" for row in _rows(pilot)))
        assert "bastion" not in _written(scene)


async def test_what_is_not_ours_is_not_removed(fake_app: FakeApp, services: FakeServices) -> None:
    services.book.entries = (HostEntry("old-nas", HostSource.SSH_CONFIG, "~/.ssh/config:9"),)
    async with fake_app() as pilot:
        await pilot.press("X")
        await settled(pilot)
        assert any("which Fairlead never changes" in toast.message for toast in pilot.app._notifications)
        assert not pilot.app.screen.is_modal


@pytest.mark.parametrize("key", ["ctrl+s", "f2"])
async def test_enter_goes_through_all_fields_and_saves_past_the_last(demo_app: DemoApp, key: str) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        folds = list(pilot.app.screen.query(FormFold))
        await pilot.press(*"one", *["enter"] * (len(ALL) + len(folds) - 1))
        assert all(fold.opened for fold in folds)
        assert _line(pilot, "timeouts-close").has_focus
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: "one" in _written(scene))
        await scene.settle(pilot, until=lambda: not pilot.app.screen.is_modal)
        await pilot.press("n")
        await scene.settle(pilot)
        await pilot.press(*"two", key)
        await scene.settle(pilot, until=lambda: "two" in _written(scene))


async def test_what_nobody_foresaw_is_told_and_the_form_stays(
    demo_app: DemoApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(draft: object) -> None:
        raise RuntimeError("a bug of ours")

    async with demo_app() as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        monkeypatch.setattr(scene.app.services.host_editor, "add", broken)
        await pilot.press(*"one", "ctrl+s")
        await scene.settle(pilot, until=lambda: isinstance(pilot.app.screen, FailurePrompt))
        assert "a bug of ours" in _words(pilot)
        await pilot.press("escape")
        await scene.settle(pilot, until=lambda: isinstance(pilot.app.screen, HostForm))
        assert _line(pilot, "name").value == "one"


async def test_the_keys_of_the_form_are_in_the_help(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("n")
        await scene.settle(pilot)
        await pilot.press("f1")
        await scene.settle(pilot)
        assert "Write it into config.toml." in _words(pilot)
