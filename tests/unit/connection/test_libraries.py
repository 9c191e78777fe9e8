"""Shared libraries, found in the loader's cache."""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path

import pytest

from backend.connection.ssh import libraries
from backend.connection.ssh.libraries import found_quickly, in_cache

CACHE = b"glibc-ld.so.cache1.1\0/usr/lib/libzoo.so.2\0libz.so.1\0/usr/lib/libnettle.so.8\0/usr/lib/libdl.so\0"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("z", "libz.so.1"),
        ("libz", "libz.so.1"),
        ("nettle", "libnettle.so.8"),
        ("dl", "libdl.so"),
        ("oqs", None),
        ("zo", None),
        (".", None),
    ],
)
def test_a_library_has_the_name_that_the_cache_says(name: str, found: str | None) -> None:
    assert in_cache(CACHE, name) == found


def test_what_is_found_in_this_machine_s_cache_can_be_loaded() -> None:
    if not libraries.CACHE.exists():
        pytest.skip("no ld.so(8) here")
    found = in_cache(libraries.CACHE.read_bytes(), "c")
    assert found is not None
    assert ctypes.CDLL(found)


def test_python_s_own_search_is_back_afterwards_and_kept_where_there_is_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ctypes.util.find_library
    (tmp_path / "cache").write_bytes(CACHE)
    monkeypatch.setattr(libraries, "CACHE", tmp_path / "cache")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    with pytest.raises(ZeroDivisionError), found_quickly():
        assert ctypes.util.find_library("z") == "libz.so.1"
        assert ctypes.util.find_library("oqs") is None
        raise ZeroDivisionError
    assert ctypes.util.find_library is usual
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    with found_quickly():
        assert ctypes.util.find_library is usual
