"""Which hosts are reached through which: jump hosts by name, in `jump` and in routes as `jump:HOST`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from backend.hosts.draft import HostDraft
from backend.hosts.names import Spec, read_jumps
from backend.settings.model import FileSettings, HostSettings

_ROUTE = "jump:"


class Way(Protocol):
    """What says how a host is reached: an entry, a profile, the defaults."""

    @property
    def jump(self) -> str | None: ...

    @property
    def routes(self) -> tuple[str, ...] | None: ...


def users_of(name: str, settings: FileSettings) -> tuple[str, ...]:
    """The own entries and profiles that name `name` as a jump host."""
    tables = {**{f"profile {key}": one for key, one in settings.profiles.items()}, **settings.hosts}
    tables = {"defaults": settings.defaults, **tables}
    return tuple(key for key, way in tables.items() if name in _hosts_in(_written(way)))


def renamed_jump(text: str, old: str, new: str) -> str:
    """Jump hosts with one of them called otherwise. Raises ValueError."""
    specs = (Spec(new if spec.host == old else spec.host, spec.user, spec.port) for spec in read_jumps(text))
    return ",".join(map(str, specs))


def renamed_route(route: str, old: str, new: str) -> str:
    """A route, with a jump host that it names called otherwise. Raises ValueError."""
    return _ROUTE + renamed_jump(route.removeprefix(_ROUTE), old, new) if route.startswith(_ROUTE) else route


def circle(draft: HostDraft, settings: FileSettings) -> tuple[str, ...] | None:
    """The way round, where the entry would be reached through itself."""
    seen: set[str] = set()
    ways: list[tuple[str, ...]] = [(draft.name,)]
    while ways:
        way = ways.pop()
        for name in _jumps_of(way[-1], draft, settings):
            if name == draft.name:
                return (*way, name)
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return None


def _jumps_of(name: str, draft: HostDraft, settings: FileSettings) -> tuple[str, ...]:
    """The names that an own entry may be reached through, over whichever of its routes."""
    entry: HostDraft | HostSettings | None = draft if name == draft.name else settings.hosts.get(name)
    if entry is None:
        return ()
    profile = settings.profiles.get(entry.profile or "")
    ways: list[Way] = [entry, *([profile] if profile is not None else []), settings.defaults]
    jump = next((way.jump for way in ways if way.jump), "")
    routes = next((way.routes for way in ways if way.routes), None)
    if routes is None:
        return _hosts_in([jump])
    return _hosts_in([*([jump] if "jump" in routes else []), *_through(routes)])


def _written(way: Way) -> list[str]:
    return [way.jump or "", *_through(way.routes or ())]


def _through(routes: Iterable[str]) -> list[str]:
    return [route.removeprefix(_ROUTE) for route in routes if route.startswith(_ROUTE)]


def _hosts_in(texts: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    for text in texts:
        try:
            found += [spec.host for spec in read_jumps(text)]
        except ValueError:  # told where it is written
            continue
    return tuple(found)
