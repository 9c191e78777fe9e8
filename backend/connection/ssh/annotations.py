"""asyncssh without the types of its annotations, which nobody reads.

It evaluates thousands of them while it loads (`Optional[Union[...]]`), which takes a quarter of that time: 20 ms. Here
they become one and the same class. What does something at run time (`Generic`, `Protocol`, `cast`) is as ever.
"""

from __future__ import annotations

import builtins
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_ONLY_SAID = (
    *("Optional", "Union", "Callable", "Tuple", "List", "Dict", "Set", "FrozenSet", "Type"),
    *("Sequence", "Mapping", "Iterable", "Iterator", "AsyncIterator", "Awaitable"),
)
"""What asyncssh uses in annotations only."""


@contextmanager
def unread_annotations(package: str) -> Iterator[None]:
    """Within it, modules of `package` are loaded without the types of their annotations."""
    finder = _Finder(package)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder:
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] != self._package:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Gives a module a `typing` of its own: nobody else's import is touched, in whatever thread."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = _BUILTINS
        super().exec_module(module)


class _Said:
    """Any type of an annotation."""

    def __class_getitem__(cls, _: object) -> type[_Said]:
        return cls


class _Typing(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return getattr(typing, name)


_TYPING = _Typing("typing")
vars(_TYPING).update(dict.fromkeys(_ONLY_SAID, _Said))


def _import(
    name: str,
    names: Mapping[str, object] | None = None,
    own: Mapping[str, object] | None = None,
    wanted: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    return _TYPING if name == "typing" else __import__(name, names, own, wanted, level)


_BUILTINS = {**vars(builtins), "__import__": _import}
