"""Commands of a cluster's login node: module (Lmod), and the script with which a workbench asks it."""

from __future__ import annotations

import re

from mocks.host import Cluster
from mocks.shell.run import Run, command, encode

_MARK = re.compile(r"(?m)^M=([0-9a-f]+)$")
_ASKED = re.compile(r"fl_said module ([a-z-][^\n>]*) >&3")


def cluster_of(run: Run) -> Cluster:
    """The cluster: hosts without one do not have these commands (`Shell.function`)."""
    assert run.host.machine.cluster is not None
    return run.host.machine.cluster


async def asked_for_modules(run: Run, script: str) -> int | None:
    """Answer the workbench's own script as a whole, for this shell knows no functions; None for any other script."""
    mark, asked = _MARK.search(script), _ASKED.search(script)
    if mark is None or asked is None:
        return None
    if run.host.machine.cluster is None:
        await run.line(f"{mark[1]}:how\nabsent{mark[1]}:end")
        return 0
    before = _environment(run)
    words = [word.strip("'") for word in asked[1].split()]
    said, status = await _said(run, words)
    parts = {"before": before, "how": "Lmod, found in the login shell", "said": said, "status": str(status)}
    parts["after"] = _environment(run)
    await run.out("".join(f"{mark[1]}:{name}\n{text}{mark[1]}:end\n" for name, text in parts.items()))
    return 0


def _environment(run: Run) -> str:
    names = sorted(run.shell.exported & run.shell.variables.keys())
    return "".join(f"{name}={run.shell.variables[name]}\0" for name in names)


async def _said(run: Run, words: list[str]) -> tuple[str, int]:
    """What the module command says to these words, in its terse form where that is asked for."""
    cluster = cluster_of(run)
    if words[:2] == ["-t", "avail"]:
        return "/opt/modulefiles:\n" + "".join(f"{name}\n" for name in cluster.modules), 0
    if words[0] in {"spider", "whatis"} or words[0].startswith("-"):
        shown = [name for name in cluster.modules if name.startswith(words[-1])]
        return "".join(f"  {name}\n" for name in shown), int(not shown)
    unknown = [name for name in words[1:] if _match(cluster, name) is None]
    if unknown:
        return f'The following module(s) are unknown: "{unknown[0]}"\n', 1
    status = await _load(run, cluster, words[1:])
    _export(run)
    return "", status


def _export(run: Run) -> None:
    run.shell.variables["LOADEDMODULES"] = ":".join(run.shell.modules)
    run.shell.exported.add("LOADEDMODULES")


@command("module", "ml")
async def module(run: Run) -> int:
    cluster = cluster_of(run)
    action, names = (run.arguments or ["list"])[0], run.arguments[1:]
    status = 0
    loaded = run.shell.modules
    if action in ("avail", "av", "spider"):
        await run.streams.stderr.write(_available(cluster, names).encode())
    elif action in ("load", "add"):
        status = await _load(run, cluster, names)
    elif action in ("unload", "rm"):
        loaded[:] = [name for name in loaded if name not in names and name.partition("/")[0] not in names]
    elif action == "purge":
        loaded.clear()
    elif action == "list":
        await run.streams.stderr.write(_listing(loaded).encode())
    else:
        return await run.complain(f"unknown action: {action}")
    _export(run)
    return status


def _available(cluster: Cluster, names: list[str]) -> str:
    shown = [name for name in cluster.modules if not names or name.startswith(names[0])]
    return "---------------------- /opt/modulefiles ----------------------\n   " + "   ".join(shown) + "\n"


def _listing(loaded: list[str]) -> str:
    if not loaded:
        return "No modules loaded\n"
    numbered = "   ".join(f"{number}) {name}" for number, name in enumerate(loaded, 1))
    return f"Currently Loaded Modules:\n  {numbered}\n"


async def _load(run: Run, cluster: Cluster, names: list[str]) -> int:
    for name in names:
        match = _match(cluster, name)
        if match is None:
            text = f'Lmod has detected the following error: The following module(s) are unknown: "{name}"\n'
            await run.streams.stderr.write(encode(text))
            return 1
        if match not in run.shell.modules:
            run.shell.modules.append(match)
    return 0


def _match(cluster: Cluster, name: str) -> str | None:
    """The module of that name, with or without its version."""
    return next((known for known in cluster.modules if known == name or known.partition("/")[0] == name), None)
