"""The fields of the form for an own entry: names, what is said about each, and texts in and out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backend.hosts.book import HostEntry, HostSource
from backend.hosts.draft import HostDraft
from backend.hosts.names import read_spec

LISTS = frozenset({"identity_files", "tags"})
"""Fields with several values, commas between."""
PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form."""

    key: str
    """As in `HostDraft`."""
    label: str
    hint: str
    """What to write, for who has read nothing before."""
    example: str = ""
    section: str = ""
    """The heading above it, where there is room for headings."""


FIELDS = (
    Field("name", "name", "What you want to call it. The only field that must be filled in.", "cluster", "the host"),
    Field("address", "address", "Its DNS name or IP address; left empty, the name itself is looked up. You can also"
          " paste user@address:port.", "login.example.org"),
    Field("user", "user", "Who you are on the host. Left empty: what ~/.ssh/config or the profile says, or your name"
          " here.", "mara"),
    Field("port", "port", "Left empty: 22, or what ~/.ssh/config or the profile says.", "22"),
    Field("jump", "jump hosts", "A bastion on the way: a host you know, or user@address:port; several with commas."
          " Passwords and codes are asked for on the way.", "me@bastion.example.org"),
    Field("identity_files", "keys", "Key files to log in with; several with commas. Left empty: the agent's, the usual"
          " ones, and a password.", "~/.ssh/id_ed25519"),
    Field(PRODUCTION, "production", "yes: whatever changes this host is confirmed first. space changes it.",
          section="sorting and use"),
    Field("group", "group", "The heading it stands under in the list.", "lab"),
    Field("tags", "tags", "Words to find it by, with commas.", "gpu, a100"),
    Field("note", "note", "A line for people.", "ask Ada before rebooting"),
    Field("profile", "profile", "The [profiles.NAME] of config.toml that fills in what is empty here."),
    Field("directory", "directory", "Where commands, shells and files begin; left empty, at home.", "~/project"),
    Field("ssh_host", "ssh alias", "In place of an address: the Host of ~/.ssh/config that says the rest.",
          section="other ways there"),
    Field("tailscale", "tailscale", "Its address or name in your tailnet, tried as another route.", "100.64.0.9"),
    Field("cloudflare", "cloudflare", "Its name in Cloudflare Access; needs the program cloudflared.",
          "gpu.example.com"),
)  # fmt: skip


def text_of(draft: HostDraft, key: str) -> str:
    """A field's value as it stands in its line."""
    value = getattr(draft, key)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def draft_of(texts: Mapping[str, str], production: bool | None, before: HostDraft) -> HostDraft:
    """What the form says. A line that was not touched keeps its value, whatever characters are in it."""
    values: dict[str, object] = {PRODUCTION: production}
    for key, text in texts.items():
        if text != text_of(before, key):
            values[key] = parts_of(text) if key in LISTS else text.strip()
    return replace(before, **values)  # type: ignore[arg-type]


def parts_of(text: str) -> tuple[str, ...]:
    """`a, b` as ("a", "b"), each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def taken_apart(texts: Mapping[str, str]) -> Mapping[str, str]:
    """`user@address:port` in the address, as far as user and port are still empty: what the three fields become."""
    try:
        spec = read_spec(texts["address"].strip())
    except ValueError:
        return {}
    user, port = spec.user or "", str(spec.port or "")
    if not (user or port) or (user and texts["user"]) or (port and texts["port"]):
        return {}
    return {"address": spec.host, "user": user or texts["user"], "port": port or texts["port"]}


def begun_with(entry: HostEntry) -> HostDraft:
    """The own entry that says about `entry` what is said now: by its alias, or by what was typed."""
    if entry.source is HostSource.SSH_CONFIG:
        return HostDraft(name=entry.name, ssh_host=entry.name)
    try:
        spec = read_spec(entry.name)
    except ValueError:
        return HostDraft(name=entry.name)
    name = spec.host.partition(".")[0] if not spec.host.replace(".", "").isdigit() and ":" not in spec.host else ""
    return HostDraft(name=name, address=spec.host, user=spec.user or "", port=str(spec.port or ""))


def unknown_jumps(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The jump hosts that are in no file: they are taken for DNS names, which a slip of the finger would be, too."""
    return tuple(part for part in parts_of(text) if not set(part) & set("@.:[]") and part not in known)


def difference(one: HostDraft, other: HostDraft) -> tuple[str, ...]:
    """The labels of the fields that differ."""
    return tuple(field.label for field in FIELDS if getattr(one, field.key) != getattr(other, field.key))
