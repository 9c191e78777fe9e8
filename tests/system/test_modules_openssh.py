"""Environment modules on a real server: Lmod and Environment Modules, through the login shells that people have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backend.commands.executor import RunningCommand
from backend.commands.modules.service import ModuleService
from backend.connection.connector import ExitReport
from backend.errors import Code, SessionError
from tests.support.login_host import HOST, LoginHost, login_host
from tests.support.modules import modulefiles, need_lmod, tcl_modules
from tests.support.openssh import make_key, sshd, throw_away_user
from tests.support.program import Program, ssh_config

pytestmark = pytest.mark.sshd

NOISE = "echo welcome; echo careful >&2; read answer; cat\n"
NO_LMOD = "unset LMOD_CMD LMOD_PKG LMOD_DIR MODULESHOME MODULEPATH BASH_ENV\n"


class Modules:
    """The modules of one host."""

    def __init__(self, host: LoginHost) -> None:
        self.host = host
        self.service = ModuleService(host.sessions, lambda: {"fit": ("gcc/13.2", "openmpi")})

    async def run(self, command: bytes, *names: str) -> RunningCommand:
        return await self.host.run(command, self.service.opening(names))

    async def failure(self, *names: str) -> SessionError:
        """Why a command with these modules is not run; fails the test where it was."""
        ran = await self.run(b"echo it ran", *names)
        assert ran.outcome is not None
        assert ran.output.text() == b""
        assert isinstance(ran.outcome.error, SessionError)
        return ran.outcome.error


@asynccontextmanager
async def modules_of(tmp_path: Path, start: str, *, shell: str = "/bin/bash") -> AsyncIterator[Modules]:
    """A host whose account reads `start` when it logs in, after a lot of noise; MODS is the tree of modulefiles."""
    text = NOISE + start.replace("MODS", str(modulefiles(tmp_path / "modulefiles")))
    async with login_host(tmp_path, shell=shell, files={".profile": text}) as host:
        yield Modules(host)


@pytest.fixture
async def lmod(tmp_path: Path) -> AsyncIterator[Modules]:
    need_lmod()
    async with modules_of(tmp_path, "module use MODS\n") as modules:
        yield modules


@pytest.fixture
async def tcl(tmp_path: Path) -> AsyncIterator[Modules]:
    init = tcl_modules(tmp_path / "tcl")
    async with modules_of(tmp_path, f"{NO_LMOD}. {init}/bash\nmodule use MODS\n") as modules:
        yield modules


async def _all_of_it(modules: Modules, system: str) -> None:
    listing = await modules.service.available(HOST)
    assert {"gcc/12.1", "gcc/13.2", "openmpi/5.0"} <= {module.name for module in listing.modules}
    assert listing.system == f"{system}, found in the login shell"
    ran = await modules.run(b"echo \"$FL_GCC,$FL_ODD,$FL_MPI\"; printf '%s\\n' 'q!\\' >&2; exit 3", "@fit")
    assert ran.outcome is not None
    assert ran.outcome.exit == ExitReport(3)
    assert sorted(ran.output.text().splitlines()) == [b"13.2,it's $ and \",5.0", b"q!\\"]
    unknown = await modules.failure("gc")
    assert unknown.code is Code.MODULE_UNKNOWN
    assert unknown.evidence["nearest"] == "gcc/13.2 gcc/12.1"
    assert "gcc/13.2" in unknown.advice[0].text
    broken = await modules.failure("gcc", "broken")
    assert broken.code is Code.MODULE_FAILED
    assert "this-is-no-command" in broken.message


@pytest.mark.modules
async def test_lmod_lists_loads_and_explains(lmod: Modules) -> None:
    await _all_of_it(lmod, "Lmod")
    needs = await lmod.failure("openmpi")
    assert needs.code is Code.MODULE_FAILED
    assert "must be loaded: gcc" in needs.message
    assert "gcc/12.1" in await lmod.service.explain(HOST, "gcc")


@pytest.mark.tclmodules
async def test_environment_modules_list_load_and_explain(tcl: Modules) -> None:
    await _all_of_it(tcl, "Environment Modules")
    assert "gcc/12.1 for tests" in await tcl.service.explain(HOST, "gcc")


@pytest.mark.modules
@pytest.mark.parametrize("shell", ["/bin/dash", "odd"])
async def test_modules_are_found_whatever_the_login_shell_is(tmp_path: Path, shell: str) -> None:
    need_lmod()
    if shell == "odd":
        odd = tmp_path / "oddsh"
        odd.write_text('#!/bin/sh\nexec /bin/dash "$@"\n')
        odd.chmod(0o755)
        shell = str(odd)
    async with modules_of(tmp_path, "module use MODS\n", shell=shell) as modules:
        assert (await modules.run(b"echo $FL_GCC", "gcc/12.1")).output.text() == b"12.1\n"


@pytest.mark.modules
@pytest.mark.parametrize("how", ["LMOD_PKG=/usr/share/lmod/lmod", "MODULESHOME=/usr/share/lmod/lmod",
                                 "BASH_ENV=/usr/share/lmod/lmod/init/bash", "NOTHING=1"])  # fmt: skip
async def test_without_the_function_its_traces_lead_to_it(tmp_path: Path, how: str) -> None:
    need_lmod()
    start = f"{NO_LMOD}unset -f module ml\nexport {how}\nexport MODULEPATH=MODS\n"
    async with modules_of(tmp_path, start) as modules:
        listing = await modules.service.available(HOST)
        assert "gcc/13.2" in {module.name for module in listing.modules}
        assert listing.system.startswith("Lmod, found in")


@pytest.mark.modules
async def test_a_start_file_that_becomes_another_program_hides_nothing(tmp_path: Path) -> None:
    need_lmod()
    async with modules_of(tmp_path, "exec cat\n") as modules:
        listing = await modules.service.available(HOST)
        assert listing.system.startswith("Lmod, found in /etc/profile.d/")


@pytest.mark.modules
def test_a_profiles_modules_are_loaded_for_its_commands_and_can_be_left_out(tmp_path: Path) -> None:
    need_lmod()
    tree = modulefiles(tmp_path / "modulefiles")
    home = tmp_path / "account"
    with throw_away_user(home, shell="/bin/bash") as user, sshd(tmp_path / "server") as box:
        (home / ".profile").write_text(f"module use {tree}\n")
        box.authorized_keys.chmod(0o644)
        for directory in (box.root, *box.root.parents):
            if directory.stat().st_uid == 0 and len(directory.parts) > 2:
                directory.chmod(directory.stat().st_mode | 0o011)
        config = ssh_config(tmp_path / "ssh_config", {"box": replace(box, user=user)}, make_key(tmp_path / "key"))
        own = tmp_path / "config.toml"
        own.write_text(
            '[module_sets]\nfit = ["gcc/12.1"]\n'
            '[hosts.lab]\nssh_host = "box"\nmodules = ["@fit"]\nenv = { FL_X = "1" }\n'
        )
        (tmp_path / "home").mkdir()
        program = Program(tmp_path / "home", env={"FAIRLEAD_SSH_CONFIG": str(config), "FAIRLEAD_CONFIG": str(own)})
        told = ("run", "lab", "--", 'echo "$FL_GCC,$FL_MPI,$FL_X"')
        assert program.run(*told).out == b"12.1,,1\n"
        assert program.run("run", "--no-modules", *told[1:]).out == b",,1\n"
        assert program.run("run", "--module", "openmpi", *told[1:]).out == b"12.1,5.0,1\n"
        refused = program.run("run", "--json", "--module", "openmp", *told[1:])
        assert (refused.status, refused.json["error"]["code"], refused.json["stdout"]) == (4, "MODULE_UNKNOWN", "")
        both = program.run("run", "--json", "--hosts", "lab,box", "--module", "openmpi", *told[2:]).json
        assert {group["end"]: group["hosts"] for group in both["groups"]} == {"0": ["lab"], "MODULE_FAILED": ["box"]}
        listed = program.run("modules", "lab", "list", "--json").json
        assert "gcc/12.1" in {module["name"] for module in listed["modules"]}
