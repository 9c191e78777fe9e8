"""The file of snippets: read whole, changed in one step, and nobody's comments are lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.commands.snippets.file import SnippetFile
from backend.commands.snippets.template import Snippet, Variable
from backend.errors import Code, ConfigError


@pytest.fixture
def file(tmp_path: Path) -> SnippetFile:
    return SnippetFile.beside(tmp_path / "own" / "config.toml")


def test_what_is_put_in_comes_out(file: SnippetFile) -> None:
    told = {"dir": Variable("dir", "/var", "where"), "n": Variable("n", "3")}
    snippet = Snippet("disk.use-1", 'du "{dir}" | head -n {n}', "what takes room", told)
    assert file.load() == ()
    file.add(snippet)
    assert file.load() == (snippet,)
    assert file.get("disk.use-1").variables == (told["dir"], told["n"])
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.remove("disk.use-1")
    assert file.load() == ()


def test_comments_and_others_stay(file: SnippetFile) -> None:
    file.add(Snippet("a", "one"))
    file.path.write_text(f"# mine\n{file.path.read_text()}")
    file.add(Snippet("b", "two"))
    file.add(Snippet("a", "three"))
    assert file.path.read_text().startswith("# mine\n")
    assert {snippet.name: snippet.command for snippet in file.load()} == {"a": "three", "b": "two"}


def test_defaults_may_be_written_short(file: SnippetFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text('[x]\ncommand = "ls {d}"\nvariables = { d = "/tmp" }\n')
    assert file.get("x").fill({}) == "ls /tmp"


@pytest.mark.parametrize(
    "text",
    ["[x]\n", "[x]\ncommand = 3\n", "x = 1\n", "[x]\ncommand = 'a'\nwhat = 1\n", "[x]\ncommand = 'a'\nvariables = 3\n",
     "[x]\ncommand = 'a'\nvariables = { d = { default = 3 } }\n", "[x\n", "\xff"],
)  # fmt: skip
def test_a_mistake_names_the_file_and_changes_nothing(file: SnippetFile, text: str) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(text.encode("latin-1"))
    for attempt in (file.load, lambda: file.add(Snippet("y", "b"))):
        with pytest.raises(ConfigError) as caught:
            attempt()
        assert caught.value.code is Code.CONFIG_INVALID
        assert "snippets.toml" in caught.value.message
    assert file.path.read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize("name", ["", "a b", "-x", "a/b"])
def test_a_name_is_a_word(file: SnippetFile, name: str) -> None:
    with pytest.raises(ConfigError):
        file.add(Snippet(name, "x"))


def test_a_name_that_nobody_knows_is_told_which_there_are(file: SnippetFile) -> None:
    file.add(Snippet("disk", "df"))
    with pytest.raises(ConfigError, match="disk"):
        file.get("disc")
