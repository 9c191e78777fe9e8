"""The demo's own files: configuration, known hosts and a key, written into a directory of the demo's.

With them the real settings, host book and key handling work in the simulated world as they do outside; nothing of the
person's own is read or changed.
"""

from __future__ import annotations

import json
from pathlib import Path

from backend.dataclass import dataclass
from mocks.demo.listing import PERSON_KEY, Listing
from mocks.host import HostKey
from mocks.world import World


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where they are."""

    config: Path
    """`config.toml` with every host of the world."""
    ssh_config: Path
    """An empty one, to be read in place of the person's."""
    known_hosts: Path
    key: Path


def write_demo_files(world: World, directory: Path) -> DemoFiles:
    """Write them, over those of an earlier time. Blocks; call it before the loop runs or in a thread."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = DemoFiles(
        directory / "config.toml", directory / "ssh_config", directory / "known_hosts", directory / "demo_ed25519"
    )
    files.config.write_text(config_text(world, files))
    files.ssh_config.write_text("")
    files.known_hosts.write_text(known_hosts_text(world))
    files.key.unlink(missing_ok=True)
    files.key.touch(mode=0o600)
    files.key.write_bytes(PERSON_KEY.openssh)
    files.key.with_name(files.key.name + ".pub").write_text(PERSON_KEY.public_line + " demo\n")
    return files


def config_text(world: World, files: DemoFiles) -> str:
    """`config.toml`: the world's hosts as own entries."""
    head = (
        f"[defaults]\nknown_hosts = {_text(files.known_hosts)}\nidentity_files = [{_text(files.key)}]\n"
        "identities_only = true\nagent = false\n"
    )
    return head + "".join(_entry(listing) for listing in world.listings)


def _entry(listing: Listing) -> str:
    lines = [
        f"\n[hosts.{listing.host.name}]",
        f"address = {_text(listing.address)}",
        f"user = {_text(listing.user)}",
        f"port = {listing.host.port}",
        f"group = {_text(listing.group)}",
        f"tags = [{', '.join(_text(tag) for tag in listing.tags)}]",
        f"note = {_text(listing.note)}",
    ]
    if listing.jump:
        lines.append(f"jump = {_text(listing.jump)}")
    if listing.roots:
        lines.append(f"roots = {{ {', '.join(f'{name} = {_text(path)}' for name, path in listing.roots)} }}")
    if listing.routes:
        lines.append(f"routes = [{', '.join(_text(route) for route in listing.routes)}]")
    if listing.forwards:
        lines.append(f"forwards = [{', '.join(_text(forward) for forward in listing.forwards)}]")
    if listing.tailscale:
        lines.append(f"tailscale = {_text(listing.tailscale)}")
    if listing.production:
        lines.append("production = true")
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    """A TOML basic string; for what we write, JSON's are the same."""
    return json.dumps(str(value))


def known_hosts_text(world: World) -> str:
    """A line for each host: the key it has, or the one it had before it changed."""
    lines = []
    for listing in world.listings:
        key = HostKey(f"{listing.host.name}: before") if listing.key_changed else listing.host.host_key
        lines.append(f"{listing.address} {key.public_line}\n")
    return "".join(lines)
