"""Patterns mean what they mean to rsync, in a time that no name can blow up."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backend.files.sync.patterns import Parts, Rule, Rules


def matches(pattern: bytes, path: bytes, *, directory: bool = False) -> bool:
    return Rule(pattern).matches(tuple(path.split(b"/")), directory=directory)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (b"*.o", b"a.o"),
        (b"*.o", b"deep/down/a.o"),
        (b"/a", b"a"),
        (b"a/b", b"x/y/a/b"),
        (b"/a/*/c", b"a/b/c"),
        (b"a/**/d", b"a/b/c/d"),
        (b"**/foo", b"foo"),
        (b"**/foo", b"x/y/foo"),
        (b"fo?", b"foo"),
        (b"[a-c]x", b"bx"),
        (b"[!a-c]x", b"dx"),
        (b"[]x]", b"]"),
        (b"[[:digit:]]*", b"7up"),
        (b"back\\slash", b"back\\slash"),
        (b"back\\\\sl*", b"back\\slash"),
        (b"\\**", b"*and more"),
        (b"*", b"new\nline"),
        (b"\xff*", b"\xff\xfe"),
        (b"-rf", b"-rf"),
        (b"tmp/***", b"tmp/a/b"),
    ],
)
def test_what_matches(pattern: bytes, path: bytes) -> None:
    assert matches(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (b"*.o", b"a.oo"),
        (b"/a", b"x/a"),
        (b"a/b", b"xa/b"),
        (b"/a/*/c", b"a/b/b/c"),
        (b"a?b", b"a/b"),
        (b"a[/]b", b"a/b"),
        (b"a*b", b"a/b"),
        (b"dir/", b"dir"),
        (b"[abc", b"a"),
        (b"[z-a]", b"b"),
        (b"\\*x*", b"axx"),
        (b"", b"a"),
        (b"/", b"a"),
    ],
)
def test_what_does_not_match(pattern: bytes, path: bytes) -> None:
    assert not matches(pattern, path)


def test_a_slash_at_the_end_means_directories() -> None:
    assert matches(b"dir/", b"dir", directory=True)
    assert matches(b"/a/dir/", b"a/dir", directory=True)


def test_three_stars_are_a_directory_and_all_that_is_in_it() -> None:
    assert matches(b"tmp/***", b"tmp", directory=True)
    assert not matches(b"tmp/***", b"tmp")


def test_the_first_rule_that_matches_decides() -> None:
    rules = Rules((Rule(b"*.py", include=True), Rule(b"*"), Rule(b"*.py")))
    assert rules.excluding((b"a.py",), directory=False) is None
    assert rules.excluding((b"a.txt",), directory=False) == Rule(b"*")
    assert Rules().excluding((b"a",), directory=False) is None


# --- properties --------------------------------------------------------------------------------------------------

_TOKENS = (b"a", b"b", b"/", b"*", b"**", b"?", b"[ab]", b"[!a]", b"\\a", b"x")
_NAMES = st.sampled_from([b"a", b"b", b"ab", b"ba", b"aab", b"x", b"abx", b"\xff"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map(tuple)
_PATTERNS = st.lists(st.sampled_from(_TOKENS), min_size=1, max_size=7).map(b"".join)


@settings(max_examples=500)
@given(_PATTERNS, _PATHS)
@example(b"**a*b", (b"aa", b"ab"))
@example(b"*a*/**b", (b"aa", b"x", b"ab"))
def test_it_is_what_trying_everything_finds(pattern: bytes, path: Parts) -> None:
    assert Rule(pattern).matches(path, directory=False) is _by_trial(pattern, path)


def _by_trial(pattern: bytes, path: Parts) -> bool:
    """rsync(1), followed by the letter and without any haste."""
    if len(pattern) > 1 and pattern.endswith(b"/"):
        return False
    wild = re.search(rb"[*?\[]", pattern) is not None
    anchored, text = pattern.startswith(b"/"), pattern.removeprefix(b"/")
    if not wild:
        tokens = [text[at : at + 1] for at in range(len(text))]
    else:
        tokens = re.findall(rb"\*+|\?|\[[^]]*\]|\\.|.", text, re.DOTALL)
    joined = b"/".join(path)
    if anchored:
        return _trial(tokens, joined, wild)
    if wild and text.startswith(b"**"):
        return _trial(tokens, b"/" + joined, wild)
    return any(_trial(tokens, b"/".join(path[start:]), wild) for start in range(len(path)))


def _trial(tokens: list[bytes], path: bytes, wild: bool) -> bool:
    @cache
    def at(token: int, place: int) -> bool:
        if token == len(tokens):
            return place == len(path)
        one = tokens[token]
        if wild and one.startswith(b"*"):
            if at(token + 1, place):
                return True
            crosses = len(one) > 1 or path[place : place + 1] != b"/"
            return place < len(path) and crosses and at(token, place + 1)
        return place < len(path) and _one(one, path[place : place + 1], wild) and at(token + 1, place + 1)

    return at(0, 0)


def _one(token: bytes, character: bytes, wild: bool) -> bool:
    if not wild:
        return token == character
    if token == b"?":
        return character != b"/"
    if len(token) > 1 and token.startswith(b"["):
        inside = token[1:-1].removeprefix(b"!")
        return character != b"/" and (character in inside) is not token.startswith(b"[!")
    return token[-1:] == character


@pytest.mark.parametrize("pattern", [b"*a*a*a*a*a*a*a*b", b"**a**a**a**a**a**b", b"a*/**a*a*a**/*a*a*b"])
def test_no_name_keeps_a_pattern_busy(pattern: bytes) -> None:
    # Tried in every way that a backtracking match knows, this would outlast any time limit of the tests.
    assert not Rule(pattern).matches((b"a" * 255,) * 16, directory=False)


# --- rsync itself ------------------------------------------------------------------------------------------------

_TREE = (b"a/b/c", b"a/ab/x", b"a*/b", b"ab/ba/a/b", b"b", b"x/aab/ab/c", b"back\\slash/a", b"c/a/a/a", b"[ab]/c")
_RSYNC_TOKENS = (*_TOKENS, b"c", b"***", b"[a-b]", b"[^b]", b"[[:alpha:]]", b"[]a]", b"\\*", b"[")
_RULES = st.lists(
    st.tuples(
        st.booleans(),
        st.lists(st.sampled_from(_RSYNC_TOKENS), min_size=1, max_size=5).map(b"".join),
        st.sampled_from([b"", b"/"]),
        st.sampled_from([b"", b"/"]),
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for name in _TREE:
        path = root / name.decode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_RULES)
def test_rsync_takes_the_same_files(tree: Path, rules: list[tuple[bool, bytes, bytes, bytes]]) -> None:
    wanted = [(include, before + text + after) for include, text, before, after in rules]
    wanted = [(include, text) for include, text in wanted if b"//" not in text and text.strip(b"/")]
    options = [(b"--include=" if include else b"--exclude=") + text for include, text in wanted]
    call = [b"rsync", b"-an", b"--out-format=%n", *options, bytes(tree) + b"/", bytes(tree) + b"-none/"]
    said = subprocess.run(call, capture_output=True, check=True).stdout.replace(b"\\#134", b"\\").splitlines()
    theirs = {line.rstrip(b"/") for line in said if line != b"./" and not line.startswith(b"created directory")}
    assert _taken(tree, Rules(tuple(Rule(text, include) for include, text in wanted))) == theirs


def _taken(root: Path, rules: Rules, above: Parts = ()) -> set[bytes]:
    taken = set()
    for path in root.iterdir():
        parts = (*above, bytes(path.relative_to(root)))
        if rules.excluding(parts, directory=path.is_dir()) is None:
            taken.add(b"/".join(parts))
            taken |= _taken(path, rules, parts) if path.is_dir() else set()
    return taken
