"""The registry: one place from which every key, label and help line comes."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from textual.binding import Binding

import tui
from tui.actions import Action, all_actions, bindings, find, register
from tui.app import WorkbenchApp

RESERVED = {"ctrl+m", "ctrl+i", "ctrl+j", "ctrl+h"}
"""Keys that are other keys in most terminals."""
SWALLOWED = {"ctrl+s"}
"""Keys that some take for flow control: never the only way."""


def _everything() -> tuple[Action, ...]:
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        importlib.import_module(module.name)
    return all_actions()


def _keys(action: Action) -> set[str]:
    return {key.strip() for key in action.keys.split(",")}


def test_every_action_says_what_it_does() -> None:
    for action in _everything():
        assert action.help.endswith("."), action.id
        assert action.label == action.label.strip() != "", action.id


def test_an_action_is_named_after_its_scope() -> None:
    for action in _everything():
        assert action.id.count(".") == 1, action.id


def test_no_action_wants_a_key_that_terminals_swallow() -> None:
    for action in _everything():
        assert not _keys(action) & RESERVED, action.id
        assert _keys(action) - SWALLOWED, action.id


def test_the_shells_keys_mean_one_thing_each() -> None:
    shell = [action for action in _everything() if action.scope == "app"]
    keys = [key for action in shell for key in _keys(action)]
    assert len(keys) == len(set(keys))


def test_a_screens_keys_do_not_hide_the_way_out() -> None:
    ways = {"ctrl+q", "ctrl+p", "ctrl+o", "f1", "alt+1", "alt+2", "alt+3", "alt+4"}
    for action in _everything():
        if action.scope not in {"app", "prompts"}:
            assert not _keys(action) & ways, action.id


def test_a_binding_carries_the_actions_id_so_that_a_keymap_can_find_it() -> None:
    binding = bindings("app.help")[0]
    assert isinstance(binding, Binding)
    assert (binding.id, binding.key, binding.action) == ("app.help", "f1", "toggle_help")


def test_every_binding_of_the_app_comes_from_the_registry() -> None:
    for binding in WorkbenchApp.BINDINGS:
        assert isinstance(binding, Binding)
        assert find(binding.id) is not None


def test_two_actions_of_one_name_are_a_mistake() -> None:
    action = Action("app.help", "f2", "help", "Something else.")
    with pytest.raises(ValueError, match=r"app\.help"):
        register(action)


def test_registering_the_same_action_again_is_harmless() -> None:
    known = find("app.help")
    assert known is not None
    register(known)
    assert find("app.help") is known


def test_an_unknown_action_cannot_be_bound() -> None:
    with pytest.raises(KeyError):
        bindings("app.no_such_thing")
