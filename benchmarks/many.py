"""One command on 100 hosts, simulated and served over real SSH by a process of its own: against pssh and parallel-ssh.

In turn, whole processes, medians of the ratios pair by pair. `python -m benchmarks.many [PAIRS] [HOSTS]`. Both peers
are optional: pssh as Debian packages it (`parallel-ssh`), and the Python library of a virtual environment that
PARALLEL_SSH names (`PARALLEL_SSH=DIR/bin/python`). The library reads no ssh_config and checks no host keys.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import HEADER, Comparison, Contender, compare

PAIRS, HOSTS, PARALLEL = 15, 100, 32
COMMAND = ("uname", "-r")

_LIBRARY = """
import re, sys
from pssh.clients import ParallelSSHClient
from pssh.config import HostConfig
text, key, size, command = open(sys.argv[1]).read(), sys.argv[2], int(sys.argv[3]), sys.argv[4]
hosts = [HostConfig(port=int(port), user="deploy", private_key=key) for port in re.findall(r"Port (\\d+)", text)]
client = ParallelSSHClient(["127.0.0.1"] * len(hosts), host_config=hosts, pool_size=size)
outputs = client.run_command(command)
client.join(outputs)
print(sum(1 for output in outputs for line in output.stdout))
"""


@contextmanager
def served(hosts: int, directory: Path) -> Iterator[Path]:
    """The fleet, in a process of its own; its ssh_config."""
    command = [sys.executable, "-m", "benchmarks.fleet", str(hosts), str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Path(process.stdout.readline().decode().strip())
        finally:
            process.terminate()


def contenders(config: Path, hosts: int) -> tuple[Contender, list[Contender]]:
    """Ours, and those peers that are there."""
    here, key = config.parent, config.with_name("id_ed25519")
    program = str(Path(sys.executable).with_name("fairlead"))
    flags = ["-F", str(config), "--batch", "--state-dir", str(here / "state"), "--parallel", str(PARALLEL)]
    ours = Contender("fairlead", [program, "run", *flags, "--hosts", "node-*", "--", *COMMAND])
    peers: list[Contender] = []
    if (pssh := shutil.which("parallel-ssh")) is not None:
        names = here / "hosts"
        names.write_text("".join(f"node-{number}\n" for number in range(1, hosts + 1)))
        options = ["-h", str(names), "-p", str(PARALLEL), "-i", "-x", f"-F {config} -o BatchMode=yes"]
        peers.append(Contender("pssh", [pssh, *options, *COMMAND]))
    if (python := os.environ.get("PARALLEL_SSH")) is not None:
        command = [python, "-c", _LIBRARY, str(config), str(key), str(PARALLEL), " ".join(COMMAND)]
        peers.append(Contender("parallel-ssh (library)", command))
    return ours, peers


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    hosts = int(sys.argv[2]) if len(sys.argv) > 2 else HOSTS
    with tempfile.TemporaryDirectory() as name, served(hosts, Path(name) / "fleet") as config:
        ours, peers = contenders(config, hosts)
        if not peers:
            raise SystemExit("neither pssh nor parallel-ssh is there to compare with")
        print(HEADER)
        row = Comparison(f"one command on {hosts} hosts", ours, peers[0], "1.0", peers[1:])
        print(compare(row, Path(name) / "log", pairs))


if __name__ == "__main__":
    main()
