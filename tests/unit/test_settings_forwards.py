"""`forwards` of a host's entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import ConfigError
from backend.hosts.book import HostBook
from backend.settings import load_settings
from backend.settings.reading import check_settings


def test_a_wrong_forward_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[hosts.web-1]\naddress = "10.0.0.1"\nforwards = ["L 8080:db:5432", "8080:db"]\n')
    problems = check_settings(file, environ={})
    assert [(problem.line, problem.key) for problem in problems] == [(3, "hosts.web-1.forwards")]
    assert "forward 2" in problems[0].message


async def test_the_book_tells_what_both_files_say(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[hosts.web-1]\naddress = "10.0.0.1"\nforwards = ["L 8080:db:5432"]\n')
    book = HostBook.of_entries(load_settings(file, environ={}))
    assert (await book.forwards("web-1"))[0] == ("L 8080:db:5432",)
    assert (await book.forwards("me@web-1:2222"))[0] == ("L 8080:db:5432",)
    assert (await book.forwards("elsewhere"))[0] == ()
    with pytest.raises(ConfigError):
        await book.forwards("a b")
