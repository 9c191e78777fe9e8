"""Where shared libraries are, without the programs that Python starts to find out.

asyncssh asks `ctypes.util.find_library` for two libraries that it can do without, and waits for the answer. Where
they are not installed Python tries ldconfig(8), the compiler and the linker in turn, 40 ms. The loader's own cache
(ld.so(8)) knows as well.
"""

from __future__ import annotations

import ctypes.util
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path("/etc/ld.so.cache")


def in_cache(cache: bytes, name: str) -> str | None:
    """The file name of the library `name` (`z`, or `libz`) in the loader's cache: `libz.so.1`. None where it is not."""
    stem = re.escape(name.removeprefix("lib").encode())
    found = re.search(rb"(lib%b\.so[^/\0]*)\0" % stem, cache)
    return None if found is None else os.fsdecode(found[1])


@contextmanager
def found_quickly() -> Iterator[None]:
    """Within it, `find_library` looks into the cache only, where there is one and nothing else is to be searched."""
    try:
        cache = b"" if "LD_LIBRARY_PATH" in os.environ else CACHE.read_bytes()
    except OSError:
        cache = b""
    usual = ctypes.util.find_library
    if cache:
        ctypes.util.find_library = lambda name: in_cache(cache, name)
    try:
        yield
    finally:
        ctypes.util.find_library = usual
