"""What importing loads, seen in fresh interpreters: nothing heavy before it is needed, never the other front end."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_HEAVY = frozenset({"textual", "rich", "asyncssh", "cryptography", "pydantic", "structlog", "sqlite3"})
_OURS = frozenset({"backend", "cli", "mocks", "tui"})


def _loaded(statement: str) -> frozenset[str]:
    """The top-level modules in `sys.modules` after `statement`, in an interpreter of its own."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(list({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


def _program(*arguments: str) -> str:
    return f"from cli.main import main\nassert main({list(arguments)!r}) == 0"


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("import cli.main", id="import cli.main"),
        pytest.param(_program("--version"), id="fairlead --version"),
        pytest.param(_program("--help"), id="fairlead --help"),
    ],
)
def test_the_program_starts_without_anything_heavy(statement: str) -> None:
    assert _loaded(statement) & _HEAVY == set()
    assert _loaded(statement) & _OURS == {"backend", "cli"}


@pytest.mark.parametrize("command", ["run", "ls", "get", "diagnose", "hosts", "config", "demo"])
def test_the_help_of_a_command_loads_no_screen_and_no_network(command: str) -> None:
    assert _loaded(_program(command, "--help")) & (_HEAVY - {"sqlite3"}) == set()


@pytest.mark.parametrize(
    "module",
    [
        "backend.errors",
        "backend.catalogue",
        "backend.text",
        "backend.events",
        "backend.settings",
        "backend.connection.connector",
        "backend.connection.session",
        "backend.hosts.book",
        "backend.commands.executor",
        "backend.files.transfer",
        "backend.diagnostics.ladder",
        "backend.container",
    ],
)
def test_the_services_load_neither_a_screen_nor_asyncssh(module: str) -> None:
    loaded = _loaded(f"import {module}")
    assert loaded & (_HEAVY - {"sqlite3"}) == set()
    assert loaded & _OURS == {"backend"}
    assert "click" not in loaded


def test_asyncssh_is_loaded_by_the_connector_and_brings_no_screen() -> None:
    loaded = _loaded("import backend.connection.ssh.connector")
    assert "asyncssh" in loaded
    assert loaded & {"textual", "rich", "click", "mocks", "cli", "tui"} == set()


def test_the_workbench_loads_neither_asyncssh_nor_the_command_line_nor_the_simulated_world() -> None:
    loaded = _loaded("import tui.app")
    assert "textual" in loaded
    assert loaded & {"asyncssh", "click", "mocks", "cli"} == set()


def test_the_simulated_world_loads_no_front_end() -> None:
    loaded = _loaded("import mocks.connector, mocks.world, mocks.demo.setup")
    assert loaded & {"textual", "rich", "click", "cli", "tui", "asyncssh"} == set()


def test_a_command_on_a_real_host_does_not_load_the_simulated_world() -> None:
    loaded = _loaded("from cli.main import main\nassert main(['--batch', 'run', '-p', '1', '127.0.0.1', 'x']) == 255")
    assert "asyncssh" in loaded
    assert loaded & {"mocks", "textual", "rich", "tui"} == set()
