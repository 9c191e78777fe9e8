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
    return f"from cli.main import run\nassert run({list(arguments)!r}) == 0"


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


@pytest.mark.parametrize(
    "command", ["run", "ls", "get", "diagnose", "report", "bundle", "health", "hosts", "config", "demo"]
)
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


def test_a_host_is_dialled_without_asyncssh() -> None:
    loaded = _loaded("import backend.connection.ssh.connector, backend.connection.ssh.hop")
    assert loaded & {"asyncssh", "cryptography", "textual", "rich", "click", "mocks", "cli", "tui"} == set()


def test_asyncssh_is_loaded_for_a_host_that_answers_and_brings_no_screen() -> None:
    loaded = _loaded(
        "import asyncio\nfrom backend.connection.ssh.loading import LINK, loaded\nasyncio.run(loaded(LINK))"
    )
    assert "asyncssh" in loaded
    assert loaded & {"textual", "rich", "click", "mocks", "cli", "tui"} == set()


def test_certificates_of_x509_are_not_loaded_and_loading_happens_once() -> None:
    loaded = _loaded(
        "import asyncio, sys\n"
        "from backend.connection.ssh.loading import LINK, begin_loading, loaded\n"
        "assert begin_loading(LINK) is begin_loading(LINK)\n"
        "asyncio.run(loaded(LINK))\n"
        "assert 'cryptography.x509' not in sys.modules\n"
        "assert 'asyncssh.crypto.x509' not in sys.modules\n"
    )
    assert "asyncssh" in loaded


def test_an_installation_that_is_not_whole_is_not_blamed_on_the_host() -> None:
    _loaded(
        "import asyncio, sys\n"
        "from backend.connection.ssh.loading import LINK, loaded\n"
        "from backend.errors import Code, FairleadError\n"
        "sys.modules['asyncssh'] = None\n"
        "try:\n"
        "    asyncio.run(loaded(LINK))\n"
        "except FairleadError as error:\n"
        "    assert error.code is Code.INTERNAL and 'asyncssh' in error.evidence['reason'], error\n"
        "else:\n"
        "    raise AssertionError('loaded')\n"
    )


def test_the_workbench_loads_neither_asyncssh_nor_the_command_line_nor_the_simulated_world() -> None:
    loaded = _loaded("import tui.app")
    assert "textual" in loaded
    assert loaded & {"asyncssh", "click", "mocks", "cli"} == set()


def test_a_command_that_succeeds_loads_nothing_that_explains_failures() -> None:
    _loaded(
        "import sys\nfrom cli.main import run\n"
        "assert run(['--demo', '--batch', 'run', 'web-1', '--', 'true']) == 0\n"
        "assert not [name for name in sys.modules if name.startswith('backend.diagnostics')]\n"
    )


def test_a_command_loads_nothing_that_is_seldom_used() -> None:
    _loaded(
        "import sys\nfrom cli.main import run\n"
        "assert run(['--demo', '--batch', 'run', 'web-1', '--', 'true']) == 0\n"
        "assert sys.modules.keys() & {'_ssl', '_bz2', '_lzma'} == set()\n"
    )


def test_the_simulated_world_loads_no_front_end() -> None:
    loaded = _loaded("import mocks.connector, mocks.world, mocks.demo.setup")
    assert loaded & {"textual", "rich", "click", "cli", "tui", "asyncssh"} == set()


def test_a_command_on_a_real_host_does_not_load_the_simulated_world() -> None:  # asyncssh, while others are asked
    loaded = _loaded("from cli.main import run\nassert run(['--batch', 'run', '-p', '1', '127.0.0.1', 'x']) == 255")
    assert "backend" in loaded
    assert loaded & {"mocks", "textual", "rich", "tui"} == set()
    assert "asyncssh" in loaded
