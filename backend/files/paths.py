"""Paths as people write them and as machines mean them. Pure: whatever needs a host is asked through a callback.

Paths are bytes inside. Text of people carries bytes that are no UTF-8 as surrogate escapes (PEP 383): every name
survives the way through a command line and back. Remote paths are POSIX whatever the local system is.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from types import MappingProxyType

from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError, FileError
from backend.patterns import pattern
from backend.text import show_bytes

DEEPEST = 400
"""Levels below where a walk of a tree begins; a tree that is deeper is broken or hostile."""

LookUpHome = Callable[[str], Awaitable[bytes]]
"""The home directory of a named user; raises FileError NOT_FOUND for a name that nobody has."""

_URL = pattern(r"^(?:ssh|sftp)://(?P<authority>[^/]+)(?P<path>/.*)?$", re.DOTALL | re.IGNORECASE)
_BRACKETED = pattern(r"^(?P<user>[^/\[\]:]*@)?\[(?P<address>[^/\[\]]+)\]:(?P<path>.*)$", re.DOTALL)
_DRIVE = pattern(rb"/[A-Za-z]:(?:/|$)")
_TYPED_DRIVE = pattern(r"/?(?P<letter>[A-Za-z]):(?:/+(?P<rest>.*)|$)", re.DOTALL)
_VARIABLE = pattern(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<plain>[A-Za-z_]\w*))", re.ASCII)


def to_bytes(text: str) -> bytes:
    """A path as the machine has it."""
    return text.encode("utf-8", "surrogateescape")


def to_text(path: bytes) -> str:
    """The inverse of `to_bytes`; not for showing (see `backend.text.show_bytes`)."""
    return path.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Location:
    """A path, and the machine it belongs to."""

    path: str
    """As written; on a host, empty means home."""
    host: str | None = None
    """As the host book takes it; None for this machine."""

    def __str__(self) -> str:
        return format_location(self)


def parse_location(text: str) -> Location:
    """`HOST:PATH`, `user@[v6]:PATH`, `ssh://user@host:port/PATH` or a local path, told apart as scp(1) does.

    A colon before any slash makes it remote; `./a:b` and `:a` are local. Raises ConfigError USAGE for an empty text.
    """
    if not text:
        raise ConfigError(Code.USAGE, evidence={"problem": "a path is empty"})
    if url := _URL.match(text):
        scheme = text[: text.index(":")].lower()
        return Location(url["path"] or "", f"{scheme}://{url['authority']}".replace("sftp://", "ssh://"))
    if bracketed := _BRACKETED.match(text):
        return Location(bracketed["path"], f"{bracketed['user'] or ''}{bracketed['address']}")
    host, colon, path = text.partition(":")
    if colon and host and "/" not in host and not host.startswith("["):
        return Location(path, host)
    return Location(text)


def format_location(location: Location) -> str:
    """What `parse_location` reads as `location`."""
    if location.host is None:
        head = location.path.partition("/")[0]
        remote_looking = ":" in head and not head.startswith(":")
        return f"./{location.path}" if remote_looking else location.path
    if location.host.startswith("ssh://"):
        return location.host + location.path
    user, at, address = location.host.rpartition("@")
    return f"{user}{at}[{address}]:{location.path}" if ":" in address else f"{location.host}:{location.path}"


def expand_variables(text: str, environment: Mapping[str, str]) -> str:
    """`text` with `$NAME` and `${NAME}` replaced by what `environment` knows; the rest stays: a dollar is legal in
    names."""
    return _VARIABLE.sub(lambda match: environment.get(match["braced"] or match["plain"], match[0]), text)


def variables_in(text: str) -> frozenset[str]:
    """The names of the variables that `text` has, `$NAME` and `${NAME}`."""
    return frozenset(match["braced"] or match["plain"] for match in _VARIABLE.finditer(text))


def has_drives(home: bytes) -> bool:
    """Whether a home directory is one of Windows as OpenSSH's server there shows it: `/C:/Users/ann`."""
    return _DRIVE.match(home) is not None


def from_windows(text: str) -> str:
    """`C:\\Users\\ann` and `C:/Users/ann` as the server there has them, `/C:/Users/ann`; `C:` is the drive's root.

    Backslashes part names there, so none can be in a name.
    """
    text = text.replace("\\", "/")
    if drive := _TYPED_DRIVE.match(text):
        return f"/{drive['letter']}:/{drive['rest'] or ''}"
    return text


def collapse(path: bytes) -> bytes:
    """An absolute path without empty and `.` components; `..` stays, for only the machine knows where it leads."""
    kept = [component for component in path.split(b"/") if component not in (b"", b".")]
    return b"/" + b"/".join(kept)


def parent_of(path: bytes) -> bytes:
    """The directory that holds the name; `/` holds itself."""
    return path.rstrip(b"/").rpartition(b"/")[0] or b"/"


def name_of(path: bytes) -> bytes:
    """The last component; empty for `/`."""
    return path.rstrip(b"/").rpartition(b"/")[2]


def split_after_dots(path: bytes) -> tuple[bytes, list[bytes]]:
    """An absolute path as the part up to its last `..`, which the machine must follow, and the names after it.

    The first is empty where there is no `..`.
    """
    components = path.strip(b"/").split(b"/")
    if b".." not in components:
        return b"", components
    last = len(components) - components[::-1].index(b"..")
    return b"/" + b"/".join(components[:last]), components[last:]


def check_component(component: bytes) -> None:
    """Raise FileError unless `component` is one name that stays where it is put.

    OUTSIDE_ROOT: `..`, an absolute name or one with a slash in it. NAME_INVALID: empty, `.`, or with a NUL.
    """
    if b"/" in component or component == b"..":
        raise FileError(Code.OUTSIDE_ROOT, evidence={"path": show_bytes(component), "root": "the destination"})
    if b"\0" in component or component in (b"", b"."):
        reason = "it holds a NUL byte" if component else "it is empty"
        reason = "it names the directory itself" if component == b"." else reason
        raise FileError(Code.NAME_INVALID, evidence={"path": show_bytes(component), "reason": reason})


def join_inside(root: bytes, *components: bytes) -> bytes:
    """`root` and names below it. Raises as `check_component`; the result never lies outside `root`."""
    for component in components:
        check_component(component)
    return b"/".join((root.rstrip(b"/"), *components)) if components else root


def _check_below(path: str, root: str) -> None:
    depth = 0
    for component in path.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(component, 1)
        if depth < 0:
            evidence = {"path": f"{root}:{path}", "root": f"the profile's {root}"}
            raise FileError(Code.OUTSIDE_ROOT, evidence=evidence, advice=(Advice("Write the whole path instead."),))


@dataclass(frozen=True, slots=True)
class PathResolver:
    """What the words of a person mean on one machine."""

    home: bytes
    """Absolute."""
    user: str = ""
    """The login user, whose `~user` is `home`."""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Values for `$NAME` and `${NAME}`: those of the profile, not of this machine's shell."""
    roots: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """Named directories of the profile: `scratch` makes `scratch:data` the path `data` below it."""
    look_up_home: LookUpHome | None = None

    async def resolve(self, text: str, cwd: bytes | None = None) -> bytes:
        """The absolute path that `text` means: `~`, `~user`, `$VAR`, a root of the profile, relative to `cwd` or home.

        `.` and doubled slashes are gone; `..` is kept for the machine itself to follow, because of symbolic links.
        Raises FileError NOT_FOUND (a user that is not known), NAME_INVALID (a NUL), or OUTSIDE_ROOT for what is named
        below a root of the profile and climbs out of it.
        """
        if "\0" in text:
            raise FileError(Code.NAME_INVALID, evidence={"path": text, "reason": "it holds a NUL byte"})
        text = expand_variables(text, self.environment)
        expanded = await self._expand_head(from_windows(text) if has_drives(self.home) else text)
        return collapse(expanded if expanded.startswith(b"/") else (cwd or self.home) + b"/" + expanded)

    async def _expand_head(self, text: str) -> bytes:
        root, colon, below = text.partition(":")
        if colon and root in self.roots:
            _check_below(below, root)
            return self.roots[root] + b"/" + to_bytes(below)
        if not text.startswith("~"):
            return to_bytes(text)
        head, slash, rest = text.partition("/")
        return await self._home_of(head[1:]) + to_bytes(slash + rest)

    async def _home_of(self, user: str) -> bytes:
        if user in ("", self.user):
            return self.home
        if self.look_up_home is None:
            raise FileError(
                Code.NOT_FOUND, f"The home directory of {user} is not known.", evidence={"path": f"~{user}"}
            )
        return await self.look_up_home(user)
