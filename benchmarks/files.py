"""Transfers and listings against `sftp`, `rsync` and `tar` over `ssh`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from benchmarks.harness import Comparison, Contender
from benchmarks.lab import Lab, write_file, write_tree

MIB = 1 << 20


def comparisons(lab: Lab, scale: float) -> Iterator[Comparison]:
    """The rows; `scale` shrinks sizes and counts for a quick look."""
    yield from _big_file(lab, "near", int(512 * MIB * scale), ("1.0", "1.1"))
    yield from _big_file(lab, "far", int(128 * MIB * scale), ("0.25", "0.5"))
    if shutil.which("rsync"):
        yield from _many_files(lab, max(10, int(5000 * scale)))
    yield _listing(lab, max(100, int(20_000 * scale)))


def _big_file(lab: Lab, host: str, size: int, aims: tuple[str, str]) -> Iterator[Comparison]:
    where = "loopback" if host == "near" else "50 ms"
    source, copy = write_file(lab.there / "big", size), lab.here / "big"
    yield Comparison(
        f"get {size // MIB} MiB, {where}",
        Contender("fairlead", lab.fairlead("get", f"{host}:{source}", str(copy)), lambda: lab.clear(copy)),
        Contender("sftp", lab.openssh("sftp", f"{host}:{source}", str(copy)), lambda: lab.clear(copy)),
        aims[0],
    )
    batch = lab.here / "batch"
    source, copy = write_file(lab.here / "big", size), lab.there / "big"
    batch.write_text(f"put {source} {copy}\n")
    yield Comparison(
        f"put {size // MIB} MiB, {where}",
        Contender("fairlead", lab.fairlead("put", str(source), f"{host}:{copy}"), lambda: lab.clear(copy)),
        Contender("sftp", lab.openssh("sftp", "-b", str(batch), host), lambda: lab.clear(copy)),
        aims[1],
    )
    lab.clear(source, copy, batch)


def _many_files(lab: Lab, count: int) -> Iterator[Comparison]:
    shell = f"ssh -q -F {lab.config}"
    source, copy = write_tree(lab.there / "many", count, 4096), lab.here / "many"
    yield Comparison(
        f"get {count} files of 4 KiB, loopback",
        Contender("fairlead", lab.fairlead("get", f"near:{source}", str(copy)), lambda: lab.clear(copy)),
        Contender("rsync", ["rsync", "-a", "-e", shell, f"near:{source}/", f"{copy}/"], lambda: lab.clear(copy)),
        "0.5",
    )
    source, copy = lab.here / "many", lab.there / "many"
    yield Comparison(
        f"put {count} files of 4 KiB, loopback",
        Contender("fairlead", lab.fairlead("put", str(source), f"near:{copy}"), lambda: lab.clear(copy)),
        Contender("rsync", ["rsync", "-a", "-e", shell, f"{source}/", f"near:{copy}/"], lambda: lab.clear(copy)),
        "0.7",
    )
    lab.clear(source, copy)


def _listing(lab: Lab, count: int) -> Comparison:
    directory = lab.there / "wide"
    directory.mkdir()
    for number in range(count):
        (directory / f"entry-{number:06}").touch()
    batch = lab.here / "batch"
    batch.write_text(f"ls -1 {directory}\n")
    return Comparison(
        f"list {count} entries, 50 ms",
        Contender("fairlead", lab.fairlead("ls", f"far:{directory}")),
        Contender("sftp", lab.openssh("sftp", "-b", str(batch), "far")),
        "0.15",
    )
