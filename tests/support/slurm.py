"""A real Slurm of one node for tests: own munge, controller and slurmd on loopback ports; nothing of the system's.

Needs root and Debian's `slurm-wlm` and `munge`. It is up in about two seconds; there is no accounting.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.openssh import free_port
from tests.support.tiers import unavailable

_PROGRAMS = ("slurmctld", "slurmd", "munged", "squeue", "sbatch", "scontrol")
_UP_WITHIN = 30.0
_CONF = """ClusterName=test
SlurmctldHost={name}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
MpiDefault=none
ReturnToService=2
KillWait=1
MinJobAge=300
NodeName={name} NodeAddr=127.0.0.1 CPUs=2 RealMemory=500 State=UNKNOWN
PartitionName=work Nodes={name} Default=YES MaxTime=60 State=UP
PartitionName=closed Nodes={name} MaxTime=60 State=DOWN
"""


@dataclass(frozen=True, slots=True)
class Slurm:
    """A running cluster."""

    root: Path

    @property
    def conf(self) -> Path:
        """For `SLURM_CONF`."""
        return self.root / "slurm.conf"

    def run(self, *command: str) -> str:
        """What one of its programs says."""
        environment = {**os.environ, "SLURM_CONF": str(self.conf)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def need_slurm() -> None:
    """Call before a cluster is started."""
    if os.geteuid() != 0:
        unavailable("slurm", "needs root")
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        unavailable("slurm", f"no {missing[0]}; on Debian and Ubuntu: apt install slurm-wlm munge")


@contextmanager
def slurm(root: Path) -> Iterator[Slurm]:
    """A cluster under `root`, with an idle node. Skips where there is none."""
    need_slurm()
    for name in ("state", "spool"):
        (root / name).mkdir(parents=True)
    for directory in (root, *root.parents):  # other accounts use it as well
        if directory.stat().st_uid == os.getuid() and len(directory.parts) > 2:
            directory.chmod(directory.stat().st_mode | 0o011)
    cluster = Slurm(root)
    name = socket.gethostname().partition(".")[0]
    cluster.conf.write_text(_CONF.format(name=name, root=root, controller=free_port(), daemon=free_port()))
    (root / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    with ExitStack() as stack:
        stack.enter_context(_munge(root))
        environment = {**os.environ, "SLURM_CONF": str(cluster.conf)}
        for program in (["slurmctld", "-D", "-i"], ["slurmd", "-D", "-N", name]):
            stack.enter_context(_running([*program, "-f", str(cluster.conf)], root, environment))
        _wait_until_idle(cluster)
        yield cluster


@contextmanager
def _munge(root: Path) -> Iterator[None]:
    key = root / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    files = {"socket": "munge.socket", "key-file": "munge.key", "pid-file": "munge.pid", "log-file": "munge.log"}
    options = [f"--{name}={root / file}" for name, file in files.items()]
    command = ["munged", "--foreground", "--force", "--num-threads=2", f"--seed-file={root / 'munge.seed'}", *options]
    with _running(command, root, dict(os.environ)):
        yield


@contextmanager
def _running(command: list[str], root: Path, environment: dict[str, str]) -> Iterator[None]:
    with (root / f"{command[0]}.out").open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait_until_idle(cluster: Slurm) -> None:
    deadline = time.monotonic() + _UP_WITHIN
    said = ""
    while time.monotonic() < deadline:
        try:
            said = cluster.run("sinfo", "-h", "-p", "work", "-o", "%T")
        except subprocess.CalledProcessError as error:
            said = str(error.stderr)
        if said.strip() == "idle":
            return
        time.sleep(0.05)
    logs = "".join(file.read_text(errors="replace")[-1500:] for file in cluster.root.glob("*.log"))
    outs = "".join(file.read_text(errors="replace")[-1500:] for file in cluster.root.glob("*.out"))
    raise RuntimeError(f"Slurm did not come up: {said}\n{outs}\n{logs}")
