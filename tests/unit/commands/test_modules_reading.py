"""What module commands say, read; environments told apart and carried to a command."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.modules import reading
from backend.commands.modules.values import Module, ModuleEnvironment, checked_names, resolved
from backend.errors import Code, ConfigError, SessionError

MARK = b"0123456789abcdef"
VALUES = st.binary(max_size=30).filter(lambda raw: b"\0" not in raw)
VARIABLES = st.dictionaries(st.from_regex(rb"[A-Z_][A-Z0-9_]{0,6}", fullmatch=True), VALUES, max_size=6)


def test_lmods_list_has_directories_families_and_tags() -> None:
    said = b"/opt/modulefiles:\ngcc/\ngcc/12.3\ngcc/13.2(default)\nopenmpi/5.0 (L,D)\n\n/opt/more:\ncuda\n"
    assert reading.available(said) == (
        Module("gcc/12.3", "/opt/modulefiles"),
        Module("gcc/13.2", "/opt/modulefiles", default=True),
        Module("openmpi/5.0", "/opt/modulefiles", default=True),
        Module("cuda", "/opt/more"),
    )


@given(raw=st.binary(max_size=200))
def test_no_answer_breaks_the_reading(raw: bytes) -> None:
    for module in reading.available(raw):
        assert module.name.isprintable()
    reading.parts(MARK, raw)
    reading.environment(raw)
    assert reading.reason(raw.decode("utf-8", "replace"))


@given(before=VARIABLES, after=VARIABLES)
def test_an_environment_is_what_was_there_with_the_difference(
    before: dict[bytes, bytes], after: dict[bytes, bytes]
) -> None:
    changed, gone = reading.difference(before, after)
    made = {name: value for name, value in before.items() if name not in gone} | changed
    assert {k: v for k, v in made.items() if k not in reading.OURS} == {
        k: v for k, v in after.items() if k not in reading.OURS
    }


@given(parts=st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.binary(max_size=40), max_size=4))
def test_parts_are_found_in_any_noise(parts: dict[str, bytes]) -> None:
    raw = b"".join(
        b"noise\n" + MARK + b":" + name.encode() + b"\n" + text + MARK + b":end\n" for name, text in parts.items()
    )
    assert reading.parts(MARK, raw) == parts


@pytest.mark.parametrize(
    ("typed", "near"),
    [("gc", "gcc/13.2"), ("gcc/9", "gcc/13.2"), ("openmp", "openmpi/5.0"), ("GROMACS", "gromacs/2025"), ("zzz", None)],
)
def test_the_nearest_names_are_offered(typed: str, near: str | None) -> None:
    modules = [Module(name) for name in ("gcc/12.3", "gcc/13.2", "openmpi/5.0", "gromacs/2025")]
    found = reading.nearest(typed, modules)
    assert (found[0] if found else None) == near
    assert reading.unknown([typed, "gcc", "gcc/12.3"], modules) == (typed,)


def test_failures_are_seen_also_where_the_status_is_zero() -> None:
    assert reading.failed(b"1", "", ["gcc"], ["gcc/13"])
    assert not reading.failed(b"0", "", ["gcc"], ["gcc/13"])
    assert not reading.failed(b"0", "Loading requirement", ["default-compiler"], ["gcc/13"])
    told = "ModuleCmd_Load.c(213):ERROR:105: Unable to locate a modulefile for 'nope'"
    assert reading.failed(b"0", told, ["nope"], ["gcc/13"])
    assert reading.reason(told) == "Unable to locate a modulefile for 'nope'"


def test_the_reason_is_the_paragraph_that_tells_of_it() -> None:
    said = (
        'Lmod has detected the following error: Cannot load module "openmpi/5.0". At\nleast one of these module(s) must'
        " be loaded:\n   gcc\n\nWhile processing the following module(s):\n    openmpi/5.0\n"
    )
    wanted = 'Cannot load module "openmpi/5.0". At least one of these module(s) must be loaded: gcc'
    assert reading.reason(said) == wanted


@given(values=VARIABLES, command=VALUES)
def test_a_command_gets_the_environment_byte_for_byte(values: dict[bytes, bytes], command: bytes) -> None:
    if values.keys() & {b"PATH", b"SHELL", b"SHLVL", b"ENV"} or not values:
        return
    environment = ModuleEnvironment((), (), values, (b"FL_GONE",))
    name, value = next(iter(values.items()))
    shown = b"printf '%s|' \"$" + name + b'" "${FL_GONE-gone}"'
    done = subprocess.run(
        ["/bin/sh", "-c", environment.around(shown, "h")],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], "SHELL": "/bin/sh", "FL_GONE": "x"},
    )
    assert done.stdout == value + b"|gone|"


def test_an_environment_that_no_command_line_can_carry_is_a_failure() -> None:
    with pytest.raises(SessionError) as caught:
        ModuleEnvironment(("big",), (), {b"A": b"x" * 200_000}, ()).around(b"true", "h")
    assert caught.value.code is Code.MODULE_FAILED


def test_saved_sets_stand_for_what_they_hold() -> None:
    sets = {"fit": ("gcc/13", "openmpi")}
    assert resolved(("gcc/13", "@fit", "cuda"), sets) == ("gcc/13", "openmpi", "cuda")
    with pytest.raises(ConfigError, match="no set of modules is called @no"):
        resolved(("@no",), sets)


@pytest.mark.parametrize("name", ["", "-gcc", "a b", "x\n", "\x1b[0m"])
def test_what_is_no_name_is_not_handed_on(name: str) -> None:
    with pytest.raises(ConfigError):
        checked_names([name])
