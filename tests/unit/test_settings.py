"""Settings: layers, where each value comes from, and mistakes told with line and nearest key."""

from __future__ import annotations

import dataclasses
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.connection.target import HostKeyPolicy
from backend.errors import Code, ConfigError
from backend.settings import (
    Ascii,
    HealthOptions,
    HealthSettings,
    HostSettings,
    KeepaliveOptions,
    Layer,
    Paths,
    Settings,
    TimeoutOptions,
    TransferSettings,
    UiSettings,
    load_settings,
)
from backend.settings.problems import Problem
from backend.settings.reading import check_settings
from backend.settings.show import setting_rows

GOOD = """\
[ui]
theme = "light"

[keys]
"app.help" = "f1,question_mark"

[defaults]
host_key = "accept-new"
keepalive = { interval = 20 }

[profiles."the lab"]
user = "labrat"
identity_files = [
  "~/.ssh/lab",   # the new one
]
[profiles."the lab".timeouts]
connect = 3.5

[hosts.web-1]
address = "192.0.2.7"
profile = "the lab"
tags = ["a", "b"]

[hosts."db.example"]
ssh_host = "db"
jump = "me@bastion:2222,web-1"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def problems(file: Path, text: str, **environ: str) -> list[Problem]:
    file.write_text(text)
    return list(check_settings(file, environ=environ))


# --- layers ------------------------------------------------------------------------------------------------------


def test_without_a_file_the_defaults_hold(own_home: Path) -> None:
    assert load_settings(environ={}) == Settings()


def test_a_file_is_read_into_frozen_values(file: Path) -> None:
    file.write_text(GOOD)
    loaded = load_settings(file, environ={})
    assert loaded.ui.theme == "light"
    assert loaded.keys == {"app.help": "f1,question_mark"}
    assert loaded.defaults.host_key is HostKeyPolicy.ACCEPT_NEW
    assert loaded.profiles["the lab"].identity_files == (Path("~/.ssh/lab"),)
    assert loaded.hosts["web-1"] == HostSettings(address="192.0.2.7", profile="the lab", tags=("a", "b"))


def test_the_environment_is_stronger_than_the_file_and_flags_are_stronger_still(file: Path) -> None:
    file.write_text('[ui]\ntheme = "file"\n[transfers]\nparallel = 2\n')
    environ = {"FAIRLEAD_UI_THEME": "environment", "FAIRLEAD_TRANSFERS_PARALLEL": "3"}
    loaded = load_settings(file, environ=environ, flags={"ui.theme": "flag"})
    assert (loaded.ui.theme, loaded.transfers.parallel, loaded.ui.ascii) == ("flag", 3, Ascii.AUTO)
    assert loaded.origin("ui.theme").layer is Layer.FLAG
    assert loaded.origin("transfers.parallel").where == "FAIRLEAD_TRANSFERS_PARALLEL"
    assert loaded.origin("ui.ascii").layer is Layer.DEFAULT


def test_variables_of_others_are_left_alone(own_home: Path) -> None:
    assert load_settings(environ={"FAIRLEAD_DEMO": "1", "FAIRLEAD_HOST_KEY": "x", "PATH": ""}) == Settings()


def test_a_file_that_was_named_must_be_there(file: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_settings(file, environ={})
    with pytest.raises(ConfigError, match="there is no such file"):
        load_settings(environ={"FAIRLEAD_CONFIG": str(file)})


def test_every_value_in_force_is_shown_with_where_it_comes_from(file: Path) -> None:
    file.write_text(GOOD)
    rows = {row.key: row for row in setting_rows(load_settings(file, environ={}))}
    assert rows["ui.theme"].origin.where == f"{file}:2"
    assert rows["ui.ascii"].origin.layer is Layer.DEFAULT
    assert rows["defaults.keepalive.interval"].origin.where == f"{file}:9"
    assert rows["profiles.the lab.identity_files"].value == ["~/.ssh/lab"]
    assert rows["profiles.the lab.timeouts.connect"].value == 3.5
    assert rows["hosts.db.example.jump"].origin.where == f"{file}:26"
    assert rows["hosts.web-1.tags"].to_json() == {
        "key": "hosts.web-1.tags", "value": ["a", "b"], "layer": "file", "where": f"{file}:22",
    }  # fmt: skip
    assert "hosts.web-1.port" not in rows


# --- mistakes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "key", "said", "nearest"),
    [
        ("[uii]\n", 1, "uii", "not a known key", "ui"),
        ("\n[ui]\n\ntheem = 'x'\n", 4, "ui.theem", "did you mean theme?", "theme"),
        ("[hosts.a]\nprot = 22\n", 2, "hosts.a.prot", "not a known key", "port"),
        ("[hosts.a]\nkeepalive = { intervall = 3 }\n", 2, "hosts.a.keepalive.intervall", "not a known", "interval"),
        ("[hosts.a.timeouts]\nconect = 3\n", 2, "hosts.a.timeouts.conect", "not a known", "connect"),
        ("[ui]\nqqqqqqq = 1\n", 2, "ui.qqqqqqq", "not a known key", None),
        ("[hosts.a]\nport = 'x'\n", 2, "hosts.a.port", "whole number", None),
        ("[hosts.a]\nport = 0\n", 2, "hosts.a.port", "at least 1", None),
        ("[hosts.a]\nport = 65536\n", 2, "hosts.a.port", "at most 65535", None),
        ("[hosts.a]\nuser = 5\n", 2, "hosts.a.user", "text in quotes", None),
        ("[hosts.a]\nuser = ''\n", 2, "hosts.a.user", "not be empty", None),
        ("[hosts.a]\nidentity_files = '~/key'\n", 2, "hosts.a.identity_files", "list", None),
        ("[hosts.a]\nidentity_files = [\n 'a',\n 5]\n", 2, "hosts.a.identity_files.1", "path in quotes", None),
        ("[hosts.a]\nhost_key = 'never'\n", 2, "hosts.a.host_key", "'strict', 'ask' or 'accept-new'", None),
        ("[hosts.a]\nagent = 'maybe'\n", 2, "hosts.a.agent", "true or false", None),
        ("[hosts.a.keepalive]\ninterval = -1\n", 2, "hosts.a.keepalive.interval", "greater than 0", None),
        ("[hosts]\na = 5\n", 2, "hosts.a", "a table", None),
        ("hosts = 5\n", 1, "hosts", "a table", None),
        ("[hosts.a]\nprofile = 'labb'\n[profiles.lab]\n", 2, "hosts.a.profile", "no profile called labb", "lab"),
        ("[hosts.a]\naddress = 'x'\nssh_host = 'y'\n", 3, "hosts.a.ssh_host", "both address and ssh_host", None),
        ("[hosts.a]\njump = 'b,-oX'\n", 2, "hosts.a.jump", "does not begin with '-'", None),
        ("[defaults]\njump = 'b:x'\n", 2, "defaults.jump", "number from 1 to 65535", None),
        ("[profiles.p]\njump = ','\n", 2, "profiles.p.jump", "no host name", None),
        ("[hosts.'a b']\n", 1, "hosts.a b", "cannot be a host's name", None),
        ("[hosts.'-x']\n", 1, "hosts.-x", "cannot be a host's name", None),
    ],
)
def test_a_mistake_is_told_with_line_key_and_what_was_probably_meant(
    file: Path, text: str, line: int, key: str, said: str, nearest: str | None
) -> None:
    (problem,) = problems(file, text)
    assert (problem.line, problem.key, problem.nearest) == (line, key, nearest)
    assert said in problem.message


@pytest.mark.parametrize(
    ("text", "line"),
    [("[ui]\ntheme = light\n", 2), ("[ui\n", 1), ("a = 1\na = 2\n", 2), ("[ui]\ntheme = 'x\n", 2), ("x = [1,\n", 1)],
)
def test_what_is_no_toml_is_told_with_its_line(file: Path, text: str, line: int) -> None:
    (problem,) = problems(file, text)
    assert problem.line is not None
    assert abs(problem.line - line) <= 1
    assert problem.message.startswith("this is not TOML: ")


def test_all_mistakes_are_told_in_the_order_of_their_lines(file: Path) -> None:
    found = problems(file, "[hosts.a]\nprot = 1\nuser = 5\n[ui]\ntheem = 1\n")
    assert [problem.line for problem in found] == [2, 3, 5]


def test_mistakes_of_the_environment_name_the_variable(file: Path) -> None:
    found = problems(file, "", FAIRLEAD_UI_ASCII="maybe", FAIRLEAD_UI_THEEM="x")
    assert {problem.key for problem in found} == {"FAIRLEAD_UI_ASCII", "FAIRLEAD_UI_THEEM"}
    assert {problem.nearest for problem in found} == {"FAIRLEAD_UI_THEME", None}


def test_a_bad_file_is_an_error_with_evidence_and_a_next_step(file: Path) -> None:
    file.write_text("[ui]\ntheem = 'x'\nb = 1\n")
    with pytest.raises(ConfigError) as raised:
        load_settings(file, environ={})
    error = raised.value
    assert error.code is Code.CONFIG_INVALID
    assert dict(error.evidence) == {
        "problem": f"{file}:2: ui.theem is not a known key; did you mean theme? (1 more)",
        "file": str(file),
        "line": "2",
        "key": "ui.theem",
        "nearest": "theme",
    }
    assert error.advice[0].text == "Write theme, if that was meant."
    assert error.advice[1].command == "fairlead config check"


def test_a_file_in_another_encoding_is_told_with_its_line(file: Path) -> None:
    file.write_bytes(b'[ui]\ntheme = "\xff"\n')
    (problem,) = check_settings(file, environ={})
    assert (problem.line, problem.message) == (2, "this is not UTF-8 text")


def test_a_directory_in_the_files_place_is_told(file: Path) -> None:
    file.mkdir()
    (problem,) = check_settings(file, environ={})
    assert "cannot be read" in problem.message


def test_keys_with_control_codes_are_shown_clean(file: Path) -> None:
    (problem,) = problems(file, '[ui]\n"\\u001b[31mred" = 1\n')
    assert problem.key.isprintable()
    assert str(problem).isprintable()


_PIECES = [*"[]{}=.,'\"\\#\n ab1_-", '"""', "hosts", "ui", "port", "theme"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(pieces=st.lists(st.sampled_from(_PIECES), max_size=30))
def test_no_text_whatever_gets_past_without_settings_or_problems(file: Path, pieces: list[str]) -> None:
    file.write_text("".join(pieces))
    found = check_settings(file, environ={})
    if not found:
        load_settings(file, environ={})
    assert all(problem.line is None or problem.line >= 1 for problem in found)


# --- places ------------------------------------------------------------------------------------------------------


def test_the_standard_places_follow_the_platform_and_the_environment(own_home: Path) -> None:
    paths = Paths.standard({})
    assert (paths.config.name, paths.state.name) == ("config.toml", "fairlead")
    assert paths.config.is_relative_to(own_home)
    named = Paths.standard({"FAIRLEAD_CONFIG": "~/my.toml", "FAIRLEAD_STATE_DIR": "/var/tmp/state"})
    assert (named.config, named.state) == (own_home / "my.toml", Path("/var/tmp/state"))


def test_reading_settings_makes_no_file(own_home: Path) -> None:
    load_settings(environ={})
    Paths.standard({})
    assert list(own_home.iterdir()) == []
    assert stat.S_ISDIR(own_home.stat().st_mode)


def test_without_a_file_nothing_heavy_is_loaded() -> None:
    script = (
        "import sys; from backend.settings import load_settings; load_settings(environ={});"
        "sys.exit(bool({'pydantic', 'asyncssh', 'textual', 'tomllib', 'annotated_types'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_example_in_the_guide_is_valid_and_names_every_key(file: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    example = guide.split("```toml\n")[1].split("```")[0]
    assert problems(file, example) == []
    for model in (
        UiSettings,
        TransferSettings,
        HostSettings,
        KeepaliveOptions,
        TimeoutOptions,
        HealthSettings,
        HealthOptions,
    ):
        for key in dataclasses.fields(model):
            assert f"{key.name} = " in example or key.name == "port"
