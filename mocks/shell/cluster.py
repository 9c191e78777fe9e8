"""Commands of a cluster's login node: squeue, sinfo, sbatch, scancel (Slurm) and module (Lmod)."""

from __future__ import annotations

from datetime import timedelta

from mocks.host import Cluster
from mocks.shell.run import Run, command


def _clock(span: timedelta) -> str:
    """`1-02:03:04`, as Slurm writes spans."""
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if span.days:
        return f"{span.days}-{hours:02}:{minutes:02}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _cluster(run: Run) -> Cluster:
    """The cluster: hosts without one do not have these commands (`Shell.function`)."""
    assert run.host.machine.cluster is not None
    return run.host.machine.cluster


@command("squeue")
async def squeue(run: Run) -> int:
    cluster = _cluster(run)
    options = run.options("h", valued="uptj")
    user = run.user.name if "--me" in options.flags else options.values.get("u", "")
    since = run.clock.now() - run.host.started
    if "h" not in options.flags:
        await run.line("             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)")
    for job in cluster.jobs:
        if user and job.user != user:
            continue
        elapsed = _clock(job.running + since) if job.state == "R" else "0:00"
        await run.line(
            f"{job.id:>18} {job.partition:>9} {job.name[:8]:>8} {job.user[:8]:>8} {job.state:>2} {elapsed:>10} "
            f"{job.nodes:>6} {job.where}"
        )
    return 0


@command("sinfo")
async def sinfo(run: Run) -> int:
    cluster = _cluster(run)
    await run.line("PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST")
    for name, limit, state, nodes, where in cluster.partitions:
        await run.line(f"{name:<9} up    {limit:>10} {nodes:>6} {state:>6} {where}")
    return 0


@command("sbatch")
async def sbatch(run: Run) -> int:
    names = [word for word in run.arguments if not word.startswith("-")]
    if names:
        run.open(names[0])
    await run.line(f"Submitted batch job {48100 + run.host.new_pid() % 900}")
    return 0


@command("module", "ml")
async def module(run: Run) -> int:
    cluster = _cluster(run)
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
    run.shell.variables["LOADEDMODULES"] = ":".join(loaded)
    run.shell.exported.add("LOADEDMODULES")
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
        match = next((known for known in cluster.modules if known == name or known.partition("/")[0] == name), None)
        if match is None:
            text = f'Lmod has detected the following error: The following module(s) are unknown: "{name}"\n'
            await run.streams.stderr.write(text.encode())
            return 1
        if match not in run.shell.modules:
            run.shell.modules.append(match)
    return 0
