"""Real module systems for tests: Lmod and Environment Modules, with modulefiles and start files of the test's own."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.support.tiers import unavailable

LMOD = Path("/usr/share/lmod/lmod")
TCL_MODULES = Path("/usr/share/modules")
_TCLSH = "/usr/bin/tclsh"


def need_lmod() -> None:
    """Call before Lmod is used."""
    if not (LMOD / "init" / "sh").exists():
        unavailable("modules", "no Lmod; on Debian and Ubuntu: apt install lmod")


@cache
def _fetched() -> bytes:
    """Debian's package of Environment Modules, which cannot be installed beside Lmod; empty where it cannot be had."""
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "environment-modules"]
        done = subprocess.run(command, cwd=directory, capture_output=True, check=False)
        found = list(Path(directory).glob("environment-modules_*.deb"))
        return found[0].read_bytes() if done.returncode == 0 and found else b""


def tcl_modules(root: Path) -> Path:
    """The `init` directory of Environment Modules: the installed one, else its package unpacked under `root`."""
    if (TCL_MODULES / "init" / "sh").exists():
        return TCL_MODULES / "init"
    if shutil.which("dpkg") is None or not Path(_TCLSH).exists():
        unavailable("tclmodules", "no Environment Modules; on Debian and Ubuntu: apt install environment-modules")
    if not (package := _fetched()):
        unavailable("tclmodules", "the package environment-modules cannot be downloaded")
    root.mkdir(parents=True)
    (root / "package.deb").write_bytes(package)
    subprocess.run(["dpkg", "-x", str(root / "package.deb"), str(root / "x")], check=True)
    usr = root / "x" / "usr"
    library = next((usr / "lib").glob("*/modulecmd.tcl")).parent
    for file in [*(usr / "share" / "modules" / "init").iterdir(), library / "modulecmd.tcl"]:
        if file.is_file():
            text = (
                file.read_text()
                .replace("/usr/bin/tclsh8.6", _TCLSH)
                .replace("/usr/share/modules", str(usr / "share/modules"))
            )
            text = text.replace(f"/usr/lib/{library.name}", str(library))
            file.write_text(text.replace("/etc/environment-modules", str(root / "x/etc/environment-modules")))
    return usr / "share" / "modules" / "init"


def modulefiles(root: Path) -> Path:
    """A tree of modulefiles that both systems read: `gcc/12.1`, `gcc/13.2` (default), `openmpi/5.0`, `broken/1`."""
    for name, text in {
        "gcc/12.1": 'setenv FL_GCC "12.1"\n',
        "gcc/13.2": 'setenv FL_GCC "13.2"\nsetenv FL_ODD "it\'s $ and \\""\nprepend-path PATH /opt/gcc/bin\n',
        "openmpi/5.0": 'prereq gcc\nsetenv FL_MPI "5.0"\nunsetenv FL_GONE\n',
        "broken/1": "this-is-no-command\n",
    }.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'#%Module1.0\nmodule-whatis "{name} for tests"\n{text}')
    (root / "gcc" / ".version").write_text('#%Module1.0\nset ModulesVersion "13.2"\n')
    return root
