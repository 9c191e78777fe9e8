"""Other names for hosts, users, addresses and the home directory: the same everywhere in one bundle. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from functools import cached_property

_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|\[?(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}\]?(?![\w:]))"
)
_MEANT_FOR_ALL = frozenset(
    """root admin git ubuntu debian ec2-user user host localhost none direct jump proxy proxy_command tailscale
    cloudflare ssh sftp password publickey""".split()  # noqa: SIM905 - reads better so
) | {""}
"""Names that say nothing of anybody, and words of the program's own that texts cannot do without."""
_OF_ALGORITHMS = frozenset({"openssh.com", "libssh.org", "lysator.liu.se", "liu.se", "ssh.com"})
"""Domains that names of algorithms end in."""
_DOTTED = re.compile(r"(?<![\w.-])(?:[\w-]+\.)+[A-Za-z][\w-]*(?![\w-])")


def dotted_names(text: str) -> Iterator[str]:
    """The names in `text` that have a domain, as of a forward or a list of domains."""
    return (found[0] for found in _DOTTED.finditer(text))


class Pseudonyms:
    """`host-1`, `user-1`, `domain-1`, `address-1`, `~`; `table` says who is who. A machine of one of the domains is a
    host, though nobody has named it."""

    def __init__(self, *, hosts: Iterable[str], users: Iterable[str], home: str, domains: Iterable[str] = ()) -> None:
        """`domains`: those that are known besides the ones that the hosts are in."""
        self.table: dict[str, str] = {}
        """Real name to the one in the bundle."""
        hosts = {*hosts}
        self._domains = {name.lower() for name in (*domains, *_domains_of(hosts))} - _OF_ALGORITHMS
        for kind, names in (("host", hosts), ("user", users), ("domain", self._domains)):
            for name in sorted({*names} - _MEANT_FOR_ALL):
                if name not in self.table and not _is_address(name):
                    self.table[name] = f"{kind}-{self._count(kind)}"
        self._home = home if len(home) > 1 else ""

    def text(self, text: str) -> str:
        """`text` with the names replaced, as whole words only."""
        if self._home:
            text = text.replace(self._home, "~")
        text = _ADDRESS.sub(self._address, text)
        return self._names.sub(self._name, text) if self._folded else text

    def _name(self, found: re.Match[str]) -> str:
        folded = found[0].lower()
        if folded not in self._folded:
            self._folded[folded] = found[0]
            self.table[found[0]] = f"host-{self._count('host')}"
        return self.table[self._folded[folded]]

    def _address(self, found: re.Match[str]) -> str:
        bare = found[0].strip("[]")
        if not _is_address(bare) or ipaddress.ip_address(bare).is_loopback or ipaddress.ip_address(bare).is_unspecified:
            return found[0]
        if bare not in self.table:
            self.table[bare] = f"address-{self._count('address')}"
        return found[0].replace(bare, self.table[bare])

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {name.lower(): name for name in self.table if not _is_address(name)}

    @cached_property
    def _names(self) -> re.Pattern[str]:
        below = [rf"(?:[\w-]+\.)+(?:{_any_of(self._domains)})"] if self._domains else []
        return re.compile(rf"(?i)(?<![\w-])(?:{'|'.join([*below, _any_of(self._folded)])})(?![\w-])")

    def _count(self, kind: str) -> int:
        return sum(given.startswith(f"{kind}-") for given in self.table.values()) + 1


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


def _domains_of(hosts: Iterable[str]) -> Iterator[str]:
    """`corp.acme.example` and `acme.example` of `web-1.corp.acme.example`."""
    for labels in (host.rstrip(".").split(".") for host in hosts if not _is_address(host)):
        yield from (".".join(labels[first:]) for first in range(1, len(labels) - 1))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
