"""`fairlead report` and `diagnose --report` from outside: the demo world, a real server, files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.library import BlockingFairlead
from tests.support.openssh import free_port, make_key, sshd
from tests.support.program import Program, ssh_config
from tests.unit.reports.reading import Page, markdown_tokens


@pytest.mark.sshd
def test_a_real_host_in_every_format(tmp_path: Path) -> None:
    key, program = make_key(tmp_path / "key"), Program(tmp_path)
    with sshd(tmp_path / "sshd") as server:
        flags = ("-F", str(ssh_config(tmp_path / "config", {"box": server}, key)), "--batch")
        page = program.run(*flags, "report", "box", "-o", "box.html")
        assert (page.status, page.out) == (0, b"")
        assert b"Written: box.html" in page.err
        text = program.run(*flags, "report", "box").out.decode()
        told = json.loads(program.run(*flags, "report", "--format", "json", "box").out)
        again = program.run(*flags, "diagnose", "--report", "box.html", "box")
    assert (again.status, b"Replaced: box.html" in again.err) == (0, True)
    read = Page((tmp_path / "box.html").read_text())
    assert (tmp_path / "box.html").stat().st_mode & 0o777 == 0o600
    assert read.odd == []
    assert "OpenSSH" in read.text
    assert text.startswith("# box: ")
    assert "table_open" in [kind for kind, _ in markdown_tokens(text)]
    assert told["diagnosis"]["verdict"] == "ok"
    assert [check["id"] for check in told["verify"]][:2] == ["exec", "shell"]
    assert told["health"]["host"] == "box"
    assert any(reading["name"] == "load.5m" for reading in told["deep"]["readings"])
    assert told["trends"] == []
    assert told["problem"] is None


def test_a_report_of_a_host_that_is_not_reached_is_a_report(tmp_path: Path) -> None:
    program, port = Program(tmp_path), str(free_port())
    made = program.run("--batch", "-F", "/dev/null", "report", "-p", port, "127.0.0.1", "-o", "r.md")
    assert made.status == 0
    assert (tmp_path / "r.md").read_text().startswith("# 127.0.0.1: Failed at tcp: TCP_REFUSED.")
    told = program.run("--batch", "-F", "/dev/null", "diagnose", "-p", port, "127.0.0.1", "--report", "r.md")
    assert told.status == 255


@pytest.mark.parametrize(
    "arguments",
    [
        ("diagnose", "--report", "r.txt", "web-1"),
        ("diagnose", "--report", "gone/r.md", "web-1"),
        ("report", "-o", "r.pdf", "web-1"),
        ("report", "-o", ".", "--format", "md", "web-1"),
        ("bundle", "-o", "b.rar", "web-1"),
        ("bundle", "--log", "gone.log", "web-1"),
    ],
    ids=" ".join,
)
def test_a_file_that_cannot_be_is_told_before_anything_is_connected(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = Program(tmp_path).run("--demo", "-v", *arguments)
    assert ran.status == 2
    assert b"USAGE" in ran.err
    assert ran.out == b""
    assert b"connect" not in ran.err.lower()
    assert [path.name for path in tmp_path.iterdir()] in ([], ["state"])


def test_in_the_demo_world_a_changed_host_key_is_on_the_page(tmp_path: Path) -> None:
    assert Program(tmp_path).run("--demo", "--batch", "report", "edge-3", "-o", "e.html").status == 0
    page = Page((tmp_path / "e.html").read_text())
    assert "HOST_KEY_CHANGED" in page.text
    assert "svg" in page.elements


def test_why_it_is_slow_and_what_is_coming_are_on_the_page(tmp_path: Path) -> None:
    assert Program(tmp_path).run("--demo", "--batch", "report", "--slow", "gpu-7", "-o", "g.html").status == 0
    page = Page((tmp_path / "g.html").read_text())
    assert page.odd == []
    for words in (
        "Why it is slow",
        "arithmetic",
        "Inside the host",
        "/data is 94 % full",
        "What is coming",
        "/data full on",
    ):
        assert words in page.text


def test_a_bundle_from_the_command_line_tells_what_is_in_it(tmp_path: Path) -> None:
    program = Program(tmp_path)
    seen = program.run("--demo", "--batch", "bundle", "--preview", "web-1")
    assert (seen.status, seen.out) == (0, b"")
    assert b"hosts/1-web-1/report.html" in seen.err
    made = program.run("--demo", "--batch", "bundle", "--json", "--anonymous", "web-1").json
    assert made["path"].endswith(".tar.gz")
    assert made["hosts"] != ["web-1"]
    assert made["anonymous"]
    assert [path.suffixes[-2:] for path in tmp_path.glob("fairlead-support-*")] == [[".tar", ".gz"]]


def test_from_python(tmp_path: Path) -> None:
    with BlockingFairlead(demo=True, state_dir=tmp_path) as fairlead:
        assert Page(fairlead.report("web-1")).odd == []
        assert fairlead.report("web-1", format="md").startswith("# web-1: All is well.")
