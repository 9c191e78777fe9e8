"""What is to be done to one directory: two listings in, actions out. Pure, and it does not know which side is where.

Whole trees are planned directory by directory (`compare.py`), so that no more than a few of them are in memory at once.
What a listing does not tell (where links point, what files hold) is asked for first: `questions`, then `Facts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from backend.connection.connector import Attributes, FileKind
from backend.dataclass import dataclass
from backend.files.lane import Parts
from backend.files.local_tree import PERMISSIONS, growing_mode
from backend.files.partial import is_partial
from backend.files.sync.model import Action, Do, Options, Reason

Listing = Mapping[bytes, Attributes]
"""One directory: its names, each with what it is itself (links are not followed)."""

_LATEST = 0xFFFFFFFF
_WRITABLE = 0o300


@dataclass(frozen=True, slots=True)
class Questions:
    """What has to be known of one directory besides its two listings."""

    source_links: tuple[bytes, ...] = ()
    goal_links: tuple[bytes, ...] = ()
    contents: tuple[bytes, ...] = ()
    """Files on both sides, of the same size, whose contents are to be compared."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The answers."""

    source_links: Mapping[bytes, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """Where each points to; what could not be read is missing, and counts as different."""
    goal_links: Mapping[bytes, bytes] = field(default_factory=lambda: MappingProxyType({}))
    same: Mapping[bytes, bool] = field(default_factory=lambda: MappingProxyType({}))
    """Whether both ends hold the same bytes; only for what was asked."""


NOTHING_MORE = Facts()


@dataclass(slots=True)
class DirectoryPlan:
    """What is to be done in one directory."""

    actions: list[Action] = field(default_factory=list)
    """To everything in it but directories, by name; what is left alone as well."""
    enter: list[Action] = field(default_factory=list)
    """Directories of the source, by name: what is done to each, before what is in it is looked at."""
    remove: list[Action] = field(default_factory=list)
    """Directories that are to go with all they hold, as far as nothing in them is kept."""
    clear: list[tuple[Action, Action]] = field(default_factory=list)
    """A directory of the goal that is in the way, and what is to take its place once it is gone."""
    seen: int = 0
    """Names on either side."""

    @property
    def changes(self) -> bool:
        """Whether something in the directory itself changes, and with it its time."""
        kinds = {Do.MAKE, Do.COPY, Do.REPLACE, Do.LINK, Do.DELETE}
        return bool(self.remove or self.clear) or any(one.do in kinds for one in (*self.actions, *self.enter))


def seconds(modified: float | None) -> int | None:
    """A time as both sides can have it: whole seconds in 32 bits (SFTP version 3)."""
    return None if modified is None else min(max(int(modified), 0), _LATEST)


def questions(at: Parts, source: Listing, goal: Listing, options: Options, *, young: float | None = None) -> Questions:
    """What to find out before `plan_directory`. `young`: files changed since then are compared by content, too."""
    both = [name for name in source if name in goal]
    included = [name for name in both if not _excluded(at, name, source[name], options)]
    return Questions(
        source_links=tuple(
            name
            for name, found in source.items()
            if found.kind is FileKind.SYMLINK and not _excluded(at, name, found, options)
        ),
        goal_links=tuple(name for name in included if source[name].kind is goal[name].kind is FileKind.SYMLINK),
        contents=tuple(name for name in included if _in_doubt(source[name], goal[name], options, young)),
    )


def _in_doubt(source: Attributes, goal: Attributes, options: Options, young: float | None) -> bool:
    if not (source.kind is goal.kind is FileKind.FILE and source.size == goal.size):
        return False
    fresh = young is not None and source.modified is not None and source.modified >= young
    return options.checksum or (fresh and seconds(source.modified) == seconds(goal.modified))


def plan_directory(
    at: Parts, source: Listing, goal: Listing, options: Options, facts: Facts = NOTHING_MORE
) -> DirectoryPlan:
    """The plan for the directory `at`, which both sides have, or for one that is new (an empty `goal`)."""
    planner = _Planner(at, source, goal, options, facts)
    names = sorted({*source, *goal})
    for name in names:
        planner.name(name)
    planner.plan.seen = len(names)
    return planner.plan


def _excluded(at: Parts, name: bytes, found: Attributes, options: Options) -> bool:
    directory = found.kind is FileKind.DIRECTORY
    return options.rules.excluding((*at, name), directory=directory) is not None


class _Planner:
    def __init__(self, at: Parts, source: Listing, goal: Listing, options: Options, facts: Facts) -> None:
        self.plan = DirectoryPlan()
        self._at = at
        self._source = source
        self._goal = goal
        self._options = options
        self._facts = facts

    def name(self, name: bytes) -> None:
        parts = (*self._at, name)
        source, goal = self._source.get(name), self._goal.get(name)
        if is_partial(name):
            # Somebody may be at work on it, on either side.
            self._left_alone(Do.SKIP, parts, source or goal, Reason.UNFINISHED)
            return
        if source is not None and _excluded(self._at, name, source, self._options):
            self._left_alone(Do.EXCLUDE, parts, source, Reason.RULE)
            source = None
            goal = None if goal is None or _excluded(self._at, name, goal, self._options) else goal
        elif goal is not None and _excluded(self._at, name, goal, self._options):
            self._protected(parts, source, goal)
            return
        if source is not None and source.kind in (FileKind.SPECIAL, FileKind.UNKNOWN):
            self._left_alone(Do.SKIP, parts, source, Reason.SPECIAL)
        elif source is not None:
            self._wanted(parts, source, goal)
        elif goal is not None:
            self._unwanted(parts, goal)

    def _left_alone(self, do: Do, parts: Parts, found: Attributes | None, reason: Reason) -> None:
        assert found is not None
        self.plan.actions.append(Action(do, parts, found.kind, reason))

    def _protected(self, parts: Parts, source: Attributes | None, goal: Attributes) -> None:
        """What the goal has is excluded: it stays, and nothing takes its place."""
        if source is None:
            self._left_alone(Do.EXCLUDE, parts, goal, Reason.RULE)
        else:
            self.plan.actions.append(Action(Do.BLOCK, parts, source.kind, Reason.RULE, was=goal.kind))

    def _unwanted(self, parts: Parts, goal: Attributes) -> None:
        if not self._options.delete:
            self._left_alone(Do.EXTRA, parts, goal, Reason.EXTRANEOUS)
            return
        action = deletion(parts, goal, Reason.EXTRANEOUS)
        (self.plan.remove if goal.kind is FileKind.DIRECTORY else self.plan.actions).append(action)

    def _wanted(self, parts: Parts, source: Attributes, goal: Attributes | None) -> None:
        if goal is None:
            self._put(self._made(parts, source, Reason.NEW, None))
        elif goal.kind is source.kind:
            self._put(self._compared(parts, source, goal))
        elif not self._options.clears:
            self.plan.actions.append(Action(Do.BLOCK, parts, source.kind, Reason.OTHER_KIND, was=goal.kind))
        else:
            self._instead(parts, source, goal)

    def _instead(self, parts: Parts, source: Attributes, goal: Attributes) -> None:
        """Something of another kind has the name. A link or file is put over another in one step."""
        made = self._made(parts, source, Reason.OTHER_KIND, goal.kind)
        if goal.kind is FileKind.DIRECTORY:
            self.plan.clear.append((deletion(parts, goal, Reason.IN_THE_WAY), made))
            return
        if source.kind is FileKind.DIRECTORY:
            self.plan.actions.append(deletion(parts, goal, Reason.IN_THE_WAY))
        self._put(made)

    def _put(self, action: Action) -> None:
        (self.plan.enter if action.kind is FileKind.DIRECTORY else self.plan.actions).append(action)

    def _made(self, parts: Parts, source: Attributes, reason: Reason, was: FileKind | None) -> Action:
        if source.kind is FileKind.DIRECTORY:
            return Action(Do.MAKE, parts, source.kind, reason, mode=source.mode, modified=source.modified, was=was)
        if source.kind is FileKind.SYMLINK:
            return self._link(parts, source, reason, was)
        do = Do.COPY if reason is Reason.NEW else Do.REPLACE
        return _file(do, parts, source, reason, was)

    def _compared(self, parts: Parts, source: Attributes, goal: Attributes) -> Action:
        if source.kind is FileKind.FILE and (reason := self._difference(parts[-1], source, goal)) is not None:
            return _file(Do.REPLACE, parts, source, reason, goal.kind)
        if source.kind is FileKind.SYMLINK:
            mine, theirs = (facts.get(parts[-1]) for facts in (self._facts.source_links, self._facts.goal_links))
            if mine is None or mine != theirs:
                return self._link(parts, source, Reason.TARGET, goal.kind)
            return Action(Do.KEEP, parts, source.kind, Reason.SAME)
        return dressed(parts, source, goal)

    def _difference(self, name: bytes, source: Attributes, goal: Attributes) -> Reason | None:
        if source.size is None or source.size != goal.size:
            return Reason.SIZE
        if name in self._facts.same:
            return None if self._facts.same[name] else Reason.CONTENT
        when = seconds(source.modified)
        return Reason.TIME if when is None or when != seconds(goal.modified) else None

    def _link(self, parts: Parts, source: Attributes, reason: Reason, was: FileKind | None) -> Action:
        points_to = self._facts.source_links.get(parts[-1])
        return Action(Do.LINK, parts, source.kind, reason, modified=source.modified, was=was, points_to=points_to)


def _file(do: Do, parts: Parts, source: Attributes, reason: Reason, was: FileKind | None) -> Action:
    return Action(
        do,
        parts,
        source.kind,
        reason,
        size=source.size or 0,
        mode=source.mode,
        modified=source.modified,
        was=was,
    )


def dressed(parts: Parts, source: Attributes, goal: Attributes) -> Action:
    """Of a file or directory that is the same on both sides: whether its mode and time are, too."""
    mode = None not in (source.mode, goal.mode) and _permissions(source) != _permissions(goal)
    time = source.modified is not None and seconds(source.modified) != seconds(goal.modified)
    reasons = {(True, True): Reason.MODE_AND_TIME, (True, False): Reason.MODE, (False, True): Reason.TIME}
    reason = reasons.get((mode, time))
    return Action(
        Do.KEEP if reason is None else Do.ADJUST,
        parts,
        source.kind,
        reason or Reason.SAME,
        mode=source.mode,
        modified=source.modified,
        was=goal.kind,
        opens=_opens(goal),
    )


def _opens(goal: Attributes) -> int | None:
    closed = goal.kind is FileKind.DIRECTORY and goal.mode is not None and goal.mode & _WRITABLE != _WRITABLE
    return growing_mode(goal.mode) if closed else None


def _permissions(found: Attributes) -> int:
    return (found.mode or 0) & PERMISSIONS


def deletion(parts: Parts, found: Attributes, reason: Reason) -> Action:
    """The removal of one name; of a directory, of the directory alone."""
    size = found.size or 0 if found.kind is FileKind.FILE else 0
    return Action(
        Do.DELETE,
        parts,
        found.kind,
        reason,
        size=size,
        mode=found.mode,
        modified=found.modified,
        opens=_opens(found),
    )
