"""Disks, inodes, and file systems that are read-only though they should not be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.health.deep.script import MOST_NETWORK, NETWORK
from backend.health.deep.thresholds import Thresholds
from backend.health.deep.told import Mount, Told, Usage
from backend.health.deep.values import Level, Reading
from backend.health.deep.wording import plural, share, size

MOST_SHOWN = 24
"""File systems that become readings, the fullest first."""
_ON_DISK = frozenset(
    {
        *("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "zfs", "bcachefs", "vfat"),
        *("ufs", "ffs", "hfs", "apfs", "nfs", "nfs4", "cifs", "overlay"),
    }
)
_OFTEN_READ_ONLY = ("/usr", "/boot", "/boot/efi", "/efi", "/sysroot", "/nix/store", "/ostree", "/System", "/gnu/store")
"""Where systems that are read-only on purpose have their parts."""


def disk_readings(told: Told, thresholds: Thresholds) -> Iterator[Reading]:
    """How full each file system is, by bytes and by inodes."""
    yield from _of_kind(told, told.disks, "disk", "df", thresholds)
    yield from _of_kind(told, told.inodes, "inodes", "df-i", thresholds)


def _of_kind(told: Told, usages: Sequence[Usage], kind: str, part: str, thresholds: Thresholds) -> Iterator[Reading]:
    network = network_mounts(told)
    shown = once_each(usages)
    for one in sorted(shown, key=lambda each: -each.used_ratio)[:MOST_SHOWN]:
        name = f"{kind}.{one.mount}.used_ratio"
        level = thresholds.of(name).judge(one.used_ratio)
        yield Reading(name, one.used_ratio, "ratio", level, _sentence(one, kind))
        if kind == "disk":
            free = 1024.0 * max(0, one.available)
            yield Reading(f"disk.{one.mount}.free_bytes", free, "bytes", Level.OK, f"{size(free)} free on {one.mount}.")
    if kind == "disk":
        yield from (_silent(mount) for mount in silent_mounts(told))
    if any(one.mount not in network for one in shown):
        return
    name = f"{kind}./.used_ratio"
    what = "how full its disks are" if kind == "disk" else "how many inodes are in use"
    if part not in told.done or told.killed:
        yield Reading(name, None, "ratio", Level.UNKNOWN, f"df did not answer in time: {what} is not known.")
    elif not shown:
        text = f"The host does not tell {what}."
        yield Reading(name, None, "ratio", Level.UNKNOWN, text, is_optional=kind == "inodes")


def _silent(mount: str) -> Reading:
    text = f"df of {mount} did not answer in time: the server of this file system may be gone."
    return Reading(f"disk.{mount}.used_ratio", None, "ratio", Level.WARN, text)


def silent_mounts(told: Told) -> tuple[str, ...]:
    """Network file systems that were asked about and did not answer."""
    answered = {one.mount for one in told.disks}
    asked = [mount for mount in network_mounts(told)[:MOST_NETWORK] if mount not in answered]
    return tuple(mount for mount in asked if told.killed or f"df {mount}" not in told.done)


def network_mounts(told: Told) -> tuple[str, ...]:
    """Mount points of file systems that may hang, in the order in which they are asked about."""
    return tuple(dict.fromkeys(one.mount for one in told.mounts if _is_network(one)))


def _is_network(mount: Mount) -> bool:
    return any(mount.kind == kind or (kind.endswith("*") and mount.kind.startswith(kind[:-1])) for kind in NETWORK)


def once_each(usages: Sequence[Usage]) -> list[Usage]:
    """Without the same file system under a second mount point; the shortest of them stays."""
    found: dict[object, Usage] = {}
    for number, one in enumerate(sorted(usages, key=lambda each: (len(each.mount), each.mount))):
        is_device = one.device.startswith("/") or ":" in one.device
        found.setdefault((one.device, one.total) if is_device else (number, one.mount), one)
    by_mount = {one.mount: one for one in reversed(found.values())}
    return list(reversed(by_mount.values()))


def _sentence(one: Usage, kind: str) -> str:
    if kind == "inodes":
        return f"{one.used:,} of {one.total:,} inodes of {one.mount} are in use: {share(one.used_ratio)}."
    free, total = size(1024.0 * max(0, one.available)), size(1024.0 * one.total)
    return f"{one.mount} is {share(one.used_ratio)} full: {free} of {total} are free."


def mount_reading(told: Told, thresholds: Thresholds) -> Reading:
    """File systems that are read-only and, as far as can be told, should not be."""
    name = "mounts.read_only"
    if not told.mounts:
        return Reading(name, None, "", Level.UNKNOWN, "The host does not tell what is mounted.", is_optional=True)
    bad = [one.mount for one in told.mounts if _should_be_writable(one, told)]
    level = thresholds.of(name).judge(float(len(bad)))
    if not bad:
        return Reading(name, 0.0, "", level, "Every file system that should be writable is.")
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    text = f"{plural(len(bad), 'file system')} read-only that should not be: {', '.join(bad[:5])}{more}."
    return Reading(name, float(len(bad)), "", level, text)


def _should_be_writable(mount: Mount, told: Told) -> bool:
    """fstab(5) decides where it names the mount; else a disk that is nowhere writable, outside of what systems that are
    read-only on purpose mount so."""
    options = mount.options
    if "ro" not in options and "read-only" not in options:
        return False
    if "emergency_ro" in options:
        return True
    written = told.fstab.get(mount.mount)
    if written is not None:
        return not written & {"ro", "noauto"}
    if mount.kind not in _ON_DISK or "sealed" in options or mount.mount in _OFTEN_READ_ONLY:
        return False
    if any(mount.mount.startswith(f"{one}/") for one in _OFTEN_READ_ONLY):
        return False
    return not any(other.device == mount.device and not other.options & {"ro", "read-only"} for other in told.mounts)
