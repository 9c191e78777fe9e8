"""Advice is refined by what is known here; the catalogue's own always stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.connection.outcomes import RoutesFailed
from backend.connection.target import Hop, Target
from backend.diagnostics.circumstances import Known
from backend.diagnostics.explain import Explanation, explain, explain_anywhere, explain_around
from backend.diagnostics.places import is_worth_a_climb
from backend.diagnostics.remedies.model import RemedyId
from backend.errors import AuthError, Code, ConfigError, ConnectError, FairleadError, LinkLost
from backend.hosts.book import HostEntry
from tests.support.scripted import ScriptedBook, hop

BOOK = ScriptedBook(*(Target(name, (hop(name),)) for name in ("web-1", "web-2", "db-primary")))


def _texts(error: FairleadError) -> list[str]:
    return [advice.text for advice in error.advice]


async def explained(error: FairleadError, *, host: str = "web-1", at: Hop | None = None) -> Explanation:
    found = await explain(error, host=host, hop=at, book=BOOK)
    assert [one.text for one in found.advice if one.text in _texts(error)] == _texts(error)
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


async def test_of_a_key_file_that_is_not_there_the_path_is_to_be_mended(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    found = await explained(
        AuthError(Code.AUTH_KEY_MISSING, evidence={"path": gone}, host="web-1"), at=hop("web-1", identity_files=(gone,))
    )
    assert [advice.command for advice in found.advice] == [
        "fairlead hosts show web-1",
        "fairlead diagnose web-1 --apply choose-key",
    ]
    unreadable = AuthError(Code.AUTH_KEY_UNREADABLE, evidence={"path": gone, "reason": "x"})
    found = await explained(unreadable, at=hop("web-1"))
    assert [advice.apply for advice in found.advice] == [None, "choose-key"]


async def test_a_refused_login_shows_the_keys_and_the_agent_there_were(tmp_path: Path) -> None:
    at = hop("web-1", identity_files=(tmp_path / "absent",), agent_socket=tmp_path / "agent")
    found = await explained(AuthError(Code.AUTH_DENIED, evidence={"user": "deploy"}), at=at)
    assert found.evidence["keys"] == f"{tmp_path / 'absent'} (no such file or directory)"
    own = hop("web-1", identity_files=(Path.home() / ".ssh" / "absent",))
    found = await explained(AuthError(Code.AUTH_DENIED, evidence={"user": "deploy"}), at=own)
    assert found.evidence["keys"] == "~/.ssh/absent (no such file or directory)"
    found = await explained(AuthError(Code.AUTH_DENIED, evidence={"user": "deploy"}), at=at)
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


# --- the same explanation everywhere -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", Code)
async def test_a_failure_met_elsewhere_is_explained_as_the_ladder_explains_it(code: Code) -> None:
    """The one thing that is added is the way to the ladder."""
    target = Target("web-1", (hop("bastion"), hop("web-1")))

    async def last_success(host: str) -> datetime:
        return datetime(2026, 2, 3, 4, 5, tzinfo=UTC)

    def known() -> Known:
        return Known(BOOK, last_success, lambda: ("web-2",))

    for at in (None, "bastion"):
        error = FairleadError(code, evidence={"path": "/srv/x", "address": "web-9"}, host="web-1", hop=at)
        where = target.hops[0] if at else target.host
        ladder = await explain_around(error, host="web-1", hop=where, book=BOOK, known=known)
        anywhere = await explain_anywhere(error, host="web-1", book=BOOK, targets=(target,), known=known)
        assert anywhere.evidence == ladder.evidence
        assert anywhere.remedies == ladder.remedies
        further = [one.command for one in anywhere.advice if one not in ladder.advice]
        assert further in ([], ["fairlead diagnose web-1"])
        assert [one for one in anywhere.advice if one.command not in further] == list(ladder.advice)
        assert further == [] or is_worth_a_climb(error)


async def test_what_this_machine_knows_of_a_failure_is_told_wherever_it_is_met() -> None:
    async def last_success(host: str) -> datetime:
        return datetime(2026, 2, 3, 4, 5, tzinfo=UTC)

    here = replace(hop("web-1"), address="127.0.0.1")
    book = ScriptedBook(Target("web-1", (here,)))
    silent = ConnectError(Code.TCP_TIMEOUT, host="web-1")
    found = await explain_anywhere(silent, host="web-1", book=book, known=lambda: Known(book, last_success))
    assert found.evidence["last_success"] == "2026-02-03 04:05 UTC"
    assert "dev lo" in found.evidence["route_here"]
    assert found.advice[0].text.startswith("It worked on 2026-02-03 04:05 UTC.")


async def test_a_way_that_begins_elsewhere_is_not_looked_for_in_this_machines_routes() -> None:
    behind = replace(hop("web-1"), address="127.0.0.1")
    book = ScriptedBook(Target("web-1", (hop("bastion"), behind)))
    silent = ConnectError(Code.TCP_TIMEOUT, host="web-1")
    found = await explain_anywhere(silent, host="web-1", book=book, known=lambda: Known(book))
    assert "route_here" not in found.evidence


async def test_a_connection_that_was_lost_in_use_is_no_refused_login() -> None:
    other = replace(hop("web-1-admin"), address="web-1.example", user="root")
    at = replace(hop("web-1"), address="web-1.example")
    book = ScriptedBook(Target("web-1", (at,)), Target("web-1-admin", (other,)))

    async def told(error: FairleadError) -> list[str | None]:
        found = await explain_anywhere(error, host="web-1", book=book, known=lambda: Known(book))
        return [advice.command for advice in found.advice]

    inside = "fairlead diagnose web-1 --inside web-1-admin"
    assert inside in await told(AuthError(Code.CONNECTION_LOST, host="web-1"))
    assert inside not in await told(LinkLost(Code.CONNECTION_LOST, host="web-1"))


async def test_the_hop_at_fault_is_found_in_the_book() -> None:
    denied = AuthError(Code.AUTH_DENIED, host="web-1", evidence={"user": "deploy"})
    found = await explain_anywhere(denied, host="web-1", book=BOOK)
    assert "keys" in found.evidence
    assert [remedy.hop for remedy in found.remedies] == ["web-1"]


async def test_a_failure_of_no_host_is_told_as_it_is() -> None:
    error = FairleadError(Code.USAGE, evidence={"problem": "no such flag"})
    found = await explain_anywhere(error, host=None, book=BOOK)
    assert (found.advice, found.remedies) == (error.advice, ())


async def test_of_several_routes_the_most_telling_failure_is_explained() -> None:
    closed = ConnectError(Code.TCP_REFUSED, evidence={"address": "web-1", "port": 2222}, host="web-1")
    target = Target("web-1", (hop("web-1", port=2222),))
    failed = RoutesFailed("web-1", [("direct", closed), ("jump", closed)])
    found = await explain_anywhere(failed, host="web-1", book=BOOK, targets=(target,))
    assert [remedy.id for remedy in found.remedies] == [RemedyId.DEFAULT_PORT]


async def test_an_error_that_is_explained_stays_the_same_error() -> None:
    error = AuthError(Code.AUTH_DENIED, host="web-1", hop="bastion", evidence={"user": "deploy"})
    found = await explain_anywhere(error, host="web-1", book=BOOK)
    told = error.explained(found.evidence, found.advice)
    assert (type(told), told.code, told.message, told.host, told.hop) == (
        AuthError, error.code, error.message, "web-1", "bastion",
    )  # fmt: skip
    assert told.advice == found.advice
    assert error.advice != told.advice
