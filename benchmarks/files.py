"""Transfers and listings against `sftp`, `scp`, `rsync`, `tar` over `ssh`, and `lftp` where it is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from getpass import getuser
from pathlib import Path

from benchmarks.harness import Comparison, Contender
from benchmarks.lab import Lab, write_file, write_tree

MIB = 1 << 20


def comparisons(lab: Lab, scale: float) -> Iterator[Comparison]:
    """The rows; `scale` shrinks sizes and counts for a quick look."""
    yield from _big_file(lab, "near", int(512 * MIB * scale), ("1.0", "1.1"))
    yield from _big_file(lab, "far", int(128 * MIB * scale), ("0.25", "0.5"))
    if shutil.which("rsync"):
        yield from _many_files(lab, max(10, int(5000 * scale)))
        yield from _syncs(lab, max(10, int(5000 * scale)))
    yield from _many_far_files(lab, max(10, int(1000 * scale)))
    yield _listing(lab, max(100, int(20_000 * scale)))


def _big_file(lab: Lab, host: str, size: int, aims: tuple[str, str]) -> Iterator[Comparison]:
    where = "loopback" if host == "near" else "50 ms"
    source, copy = write_file(lab.there / "big", size), lab.here / "big"
    yield Comparison(
        f"get {size // MIB} MiB, {where}",
        Contender("fairlead", lab.fairlead("get", f"{host}:{source}", str(copy)), lambda: lab.clear(copy)),
        Contender("sftp", lab.openssh("sftp", f"{host}:{source}", str(copy)), lambda: lab.clear(copy)),
        aims[0],
        [
            Contender("scp", lab.openssh("scp", f"{host}:{source}", str(copy)), lambda: lab.clear(copy)),
            *_rsync(lab, f"{host}:{source}", str(copy), clear=copy),
            *_lftp(lab, host, f"get {source} -o {copy}", clear=copy),
        ],
    )
    batch = lab.here / "batch"
    source, copy = write_file(lab.here / "big", size), lab.there / "big"
    batch.write_text(f"put {source} {copy}\n")
    yield Comparison(
        f"put {size // MIB} MiB, {where}",
        Contender("fairlead", lab.fairlead("put", str(source), f"{host}:{copy}"), lambda: lab.clear(copy)),
        Contender("sftp", lab.openssh("sftp", "-b", str(batch), host), lambda: lab.clear(copy)),
        aims[1],
        [
            Contender("scp", lab.openssh("scp", str(source), f"{host}:{copy}"), lambda: lab.clear(copy)),
            *_rsync(lab, str(source), f"{host}:{copy}", clear=copy),
            *_lftp(lab, host, f"put {source} -o {copy}", clear=copy),
        ],
    )
    lab.clear(source, copy, batch)


def _many_files(lab: Lab, count: int) -> Iterator[Comparison]:
    source, copy = write_tree(lab.there / "many", count, 4096), lab.here / "many"
    yield Comparison(
        f"get {count} files of 4 KiB, loopback",
        Contender("fairlead", lab.fairlead("get", f"near:{source}", str(copy)), lambda: lab.clear(copy)),
        _rsync(lab, f"near:{source}/", f"{copy}/", clear=copy)[0],
        "0.5",
        [
            Contender("scp -r", lab.openssh("scp", "-r", f"near:{source}", str(copy)), lambda: lab.clear(copy)),
            *_lftp(lab, "near", f"mirror --parallel=16 {source} {copy}", clear=copy),
        ],
    )
    source, copy = lab.here / "many", lab.there / "many"
    yield Comparison(
        f"put {count} files of 4 KiB, loopback",
        Contender("fairlead", lab.fairlead("put", str(source), f"near:{copy}"), lambda: lab.clear(copy)),
        _rsync(lab, f"{source}/", f"near:{copy}/", clear=copy)[0],
        "0.7",
        [
            Contender("scp -r", lab.openssh("scp", "-r", str(source), f"near:{copy}"), lambda: lab.clear(copy)),
            *_lftp(lab, "near", f"mirror -R --parallel=16 {source} {copy}", clear=copy),
        ],
    )
    lab.clear(source, copy)


def _syncs(lab: Lab, count: int) -> Iterator[Comparison]:
    """A tree that is the same on both sides, and one of whose files every tenth has changed."""
    source, goal = write_tree(lab.here / "tree", count, 4096), lab.there / "tree"
    for path in source.rglob("f*"):
        os.utime(path, (0, 1_700_000_000))  # not just written: what is young is compared by content
    shutil.copytree(source, goal, copy_function=shutil.copy2)

    def change() -> None:
        for path in sorted(source.rglob("f*"))[::10]:
            path.write_bytes(os.urandom(5000))

    for work, prepare in (("that are the same", lambda: None), ("every tenth of which has changed", change)):
        yield Comparison(
            f"sync {count} files {work}, loopback",
            Contender("fairlead", lab.fairlead("sync", f"{source}/", f"near:{goal}/"), prepare),
            replace(_rsync(lab, f"{source}/", f"near:{goal}/", clear=lab.here / "none")[0], prepare=prepare),
            "",
        )
    lab.clear(source, goal)


def _many_far_files(lab: Lab, count: int) -> Iterator[Comparison]:
    shell = f"ssh -q -F {lab.config} far"

    def empty(copy: Path) -> None:
        lab.clear(copy)
        copy.mkdir()

    source, copy = write_tree(lab.there / "many", count, 4096), lab.here / "many"
    unpacked = f"{shell} tar -C {source} -cf - . | tar -C {copy} -xf -"
    yield Comparison(
        f"get {count} files of 4 KiB, 50 ms",
        Contender("fairlead", lab.fairlead("get", f"far:{source}", str(copy)), lambda: lab.clear(copy)),
        Contender("ssh tar \\| tar", ["sh", "-c", unpacked], lambda: empty(copy)),
        "1.0",
        [
            *_rsync(lab, f"far:{source}/", f"{copy}/", clear=copy),
            *_lftp(lab, "far", f"mirror --parallel=16 {source} {copy}", clear=copy),
        ],
    )
    source, copy = lab.here / "many", lab.there / "many"
    unpacked = f"tar -C {source} -cf - . | {shell} tar -C {copy} -xf -"
    yield Comparison(
        f"put {count} files of 4 KiB, 50 ms",
        Contender("fairlead", lab.fairlead("put", str(source), f"far:{copy}"), lambda: lab.clear(copy)),
        Contender("tar \\| ssh tar", ["sh", "-c", unpacked], lambda: empty(copy)),
        "1.0",
        [
            *_rsync(lab, f"{source}/", f"far:{copy}/", clear=copy),
            *_lftp(lab, "far", f"mirror -R --parallel=16 {source} {copy}", clear=copy),
        ],
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


# --- peers that may not be installed --------------------------------------------------------------------------------


def _rsync(lab: Lab, source: str, goal: str, *, clear: Path) -> list[Contender]:
    if shutil.which("rsync") is None:
        return []
    command = ["rsync", "-a", "-e", f"ssh -q -F {lab.config}", source, goal]
    return [Contender("rsync", command, lambda: lab.clear(clear))]


def _lftp(lab: Lab, host: str, work: str, *, clear: Path) -> list[Contender]:
    if shutil.which("lftp") is None:
        return []
    script = f"set sftp:connect-program 'ssh -a -x -q -F {lab.config}'; open -u {getuser()},none sftp://{host}; {work}"
    return [Contender("lftp", ["lftp", "-c", script], lambda: lab.clear(clear))]
