"""Advice is refined by what is known here; the catalogue's own always stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.connection.target import Hop, Target
from backend.diagnostics.explain import Explanation, explain
from backend.errors import AuthError, Code, ConfigError, ConnectError, FairleadError
from backend.hosts.book import HostEntry
from tests.support.scripted import ScriptedBook, hop

BOOK = ScriptedBook(*(Target(name, (hop(name),)) for name in ("web-1", "web-2", "db-primary")))


async def explained(error: FairleadError, *, host: str = "web-1", at: Hop | None = None) -> Explanation:
    found = await explain(error, host=host, hop=at, book=BOOK)
    assert found.advice[-len(error.advice) :] == error.advice
    assert {name: found.evidence[name] for name in error.evidence} == dict(error.evidence)
    return found


async def test_a_misspelt_host_gets_the_names_that_are_near() -> None:
    found = await explained(ConfigError(Code.HOST_UNKNOWN, host="wbe-1"), host="wbe-1")
    assert {advice.command for advice in found.advice[:2]} == {"fairlead diagnose web-1", "fairlead diagnose web-2"}


async def test_a_misspelt_address_gets_the_host_whose_address_is_near() -> None:
    error = ConnectError(Code.NAME_NOT_FOUND, evidence={"address": "db-primery.example.net"})
    found = await explained(error, host="deploy@db-primery.example.net")
    assert found.advice[0].text == "Did you mean db-primary?"


async def test_a_host_is_not_suggested_to_itself() -> None:
    error = ConnectError(Code.NAME_NOT_FOUND, evidence={"address": "web-1.example.net"})
    assert "Did you mean web-1?" not in [advice.text for advice in (await explained(error)).advice]


async def test_a_book_that_cannot_be_read_adds_nothing() -> None:
    class Broken(ScriptedBook):
        async def list(self) -> tuple[HostEntry, ...]:
            raise ConfigError(Code.CONFIG_INVALID)

    error = ConfigError(Code.HOST_UNKNOWN, host="x")
    found = await explain(error, host="x", hop=None, book=Broken())
    assert found.advice == error.advice


async def test_a_key_file_at_fault_is_described(tmp_path: Path) -> None:
    key = tmp_path / "id"
    key.write_text("secret")
    key.chmod(0o640)
    error = AuthError(Code.AUTH_KEY_PERMISSIONS, evidence={"path": key, "mode": "0640"})
    assert (await explained(error)).evidence["file"].startswith("mode 0640, owner ")
    error = AuthError(Code.AUTH_KEY_UNREADABLE, evidence={"path": tmp_path / "absent", "reason": "gone"})
    assert (await explained(error)).evidence["file"] == "no such file or directory"
    error = AuthError(Code.AUTH_KEY_UNREADABLE, evidence={"path": tmp_path, "reason": "a directory"})
    assert (await explained(error)).evidence["file"] == "not a regular file"


async def test_a_refused_login_shows_the_keys_and_the_agent_there_were(tmp_path: Path) -> None:
    at = hop("web-1", identity_files=(tmp_path / "absent",), agent_socket=tmp_path / "agent")
    found = await explained(AuthError(Code.AUTH_DENIED, evidence={"user": "deploy"}), at=at)
    assert found.evidence["keys"] == f"{tmp_path / 'absent'} (no such file or directory)"
    assert found.evidence["agent"] == str(tmp_path / "agent")
    found = await explained(AuthError(Code.AUTH_NO_METHOD, evidence={"user": "deploy"}), at=hop("web-1"))
    assert (found.evidence["keys"], found.evidence["agent"]) == ("none", "none")


@pytest.mark.parametrize(
    ("kind", "option"),
    [("key exchange", "KexAlgorithms"), ("host key", "HostKeyAlgorithms"), ("cipher", "Ciphers"), ("MAC", "MACs")],
)
async def test_for_a_legacy_device_the_line_that_allows_it_is_given(kind: str, option: str) -> None:
    error = ConnectError(Code.KEX_NO_MATCH, evidence={"kind": kind, "server": "old-one,older-one", "client": "new"})
    assert (await explained(error)).advice[0].text.endswith(f"~/.ssh/config: {option} +old-one")


async def test_a_refusal_at_an_unusual_port_suggests_the_usual_one() -> None:
    error = ConnectError(Code.TCP_REFUSED, evidence={"address": "a", "port": 2222})
    assert (await explained(error, at=hop("web-1", port=2222))).advice[0].command == "fairlead diagnose web-1 -p 22"
    assert (await explained(error, at=hop("web-1"))).advice == error.advice


@pytest.mark.parametrize("code", list(Code))
async def test_every_code_can_be_explained_without_any_evidence(code: Code) -> None:
    assert (await explained(FairleadError(code))).advice
