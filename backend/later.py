"""Modules that others import at their head and use seldom: found at once, loaded when they are first touched.

asyncio imports all of TLS to ask of each socket whether it has any, `inspect` a parser of Python, logging what prints a
traceback: 20 ms of a first command, which needs none of it. Whoever touches such a module notices nothing else.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any, Self

_SELDOM_USED = frozenset(
    {
        *("ssl", "asyncio.sslproto", "tokenize", "textwrap", "platform", "bz2", "lzma", "typing_extensions"),
        *("difflib", "json", "sqlite3"),
    }
)


def postpone() -> None:
    """Load them when they are touched, from now on."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


class _Finder:
    """Finds them where they would be found without it."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in _SELDOM_USED else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Postponed(spec.loader.name, spec.loader.path)
        return spec


class _Postponed(SourceFileLoader):
    """Makes a module, and loads it when it is touched."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, path)
        self._turn = threading.RLock()
        self._begun = False

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(_TRUE_BEFORE.get(self.name, {}))
        _untouched[self.name] = self
        module.__class__ = _Untouched

    def load(self, module: ModuleType) -> None:
        """Once; other threads wait. What is loaded by it in turn sees it as far as it is loaded."""
        with self._turn:
            if self._begun:
                return
            self._begun = True
            try:
                super().exec_module(module)
            except BaseException:
                self._begun = False
                raise
            module.__class__ = ModuleType


_untouched: dict[str, _Postponed] = {}


class _Untouched(ModuleType):
    """A module that nobody has touched yet."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # `import` asks each module for it: a package has it from the start
            raise AttributeError(name)
        _untouched[self.__name__].load(self)
        return ModuleType.__getattribute__(self, name)


# --- what is known before ---------------------------------------------------------------------------------------------


class _NoneYet(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return False


class _TlsSocket(metaclass=_NoneYet):
    """`ssl.SSLSocket` while `ssl` is not loaded: no socket is one."""


_TRUE_BEFORE: dict[str, dict[str, object]] = {
    "ssl": {"SSLSocket": _TlsSocket},
    "typing_extensions": {"Self": Self},
    "platform": {"system": lambda: os.uname().sysname} if hasattr(os, "uname") else {},
}
