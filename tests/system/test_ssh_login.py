"""Passwords, codes and banners, against a server in the test's own process that records every secret it is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from backend.connection.connector import Phase, PhasePassed
from backend.connection.interaction import Challenge, HostKeyDecision
from backend.connection.logins import HopPassword
from backend.connection.retry import may_repeat
from backend.connection.ssh.login import MOST_ROUNDS
from backend.connection.target import HostKeyPolicy
from backend.connection.vault import Secret, Vault
from backend.errors import AuthError, Code
from backend.hosts.options import local_user
from tests.support.asyncssh_server import Door, ssh_server
from tests.support.connecting import connected, output, refused
from tests.support.openssh import target
from tests.support.person import Person, Phases

CODE_AFTER_PASSWORD = [
    ("", "", [("Password: ", False)], ["hunter2"]),
    ("Two factors", "Look at your phone", [("Verification code: ", False)], ["123456"]),
]
BOTH_AT_ONCE = [("", "", [("Password: ", False), ("Code: ", True)], ["hunter2", "123456"])]


# --- passwords ---


async def test_a_password_is_asked_until_it_is_right_and_then_kept_for_a_reconnect(tmp_path: Path) -> None:
    person, vault = Person(passwords=["wrong", "hunter2"]), Vault()
    async with ssh_server(Door(passwords=["hunter2"])) as server:
        there = target(server.hop(tmp_path))
        async with connected(there, person, vault=vault) as link:
            assert link.facts.auth_method == "password"
            assert [request.attempt for request in person.secrets] == [1, 2]
        async with connected(there, Person(), vault=vault):
            assert server.door.secrets == ["wrong", "hunter2", "hunter2"]


async def test_three_wrong_passwords_are_enough(tmp_path: Path) -> None:
    person, vault = Person(passwords=["a", "b", "c", "hunter2"]), Vault()
    async with ssh_server(Door(passwords=["hunter2"])) as server:
        error = await refused(target(server.hop(tmp_path)), person, vault=vault)
    assert isinstance(error, AuthError)
    assert error.code is Code.AUTH_DENIED
    assert error.evidence["tried"] == "password; password; password"
    assert error.evidence["offered"] == "password"
    assert not error.retryable
    assert len(vault) == 0


async def test_a_kept_password_that_is_refused_is_forgotten_and_a_person_asked(tmp_path: Path) -> None:
    person, vault = Person(passwords=["hunter2"]), Vault()
    async with ssh_server(Door(passwords=["hunter2"])) as server:
        hop = server.hop(tmp_path)
        vault.put("server", HopPassword(hop.identity), Secret("old"))
        async with connected(target(hop), person, vault=vault):
            assert server.door.secrets == ["old", "hunter2"]
            assert person.secrets[0].attempt == 2
        kept = vault.get("server", HopPassword(hop.identity))
        assert kept is not None and kept.reveal() == "hunter2"


async def test_nobody_to_ask_is_told_as_such(tmp_path: Path) -> None:
    async with ssh_server(Door(passwords=["hunter2"])) as server:
        error = await refused(target(server.hop(tmp_path)))
        assert server.door.secrets == []
    assert error.code is Code.NEEDS_PERSON
    assert error.evidence["wanted"] == "a password"


async def test_a_method_that_the_person_switched_off_is_not_used(tmp_path: Path) -> None:
    person = Person(passwords=["hunter2"])
    async with ssh_server(Door(passwords=["hunter2"])) as server:
        error = await refused(target(server.hop(tmp_path, auth_methods=("publickey",))), person)
    assert error.code is Code.AUTH_NO_METHOD
    assert error.evidence["offered"] == error.evidence["switched_off"] == "password"
    assert "switches off what the server offers: password" in error.advice[0].text
    assert person.secrets == []


async def test_an_expired_password_is_changed_and_the_new_one_kept(tmp_path: Path) -> None:
    """RFC 4252 §8: the server asks for a change in answer to the old password."""
    person, vault = Person(passwords=["hunter2"], answers=[["better", "better"]]), Vault()
    async with ssh_server(Door(passwords=["hunter2"], expired=True)) as server:
        hop = server.hop(tmp_path)
        async with connected(target(hop), person, vault=vault):
            assert server.door.changes == [("hunter2", "better")]
        assert "has expired" in person.challenges[0].instructions
        assert "\x1b" not in person.challenges[0].instructions
        async with connected(target(hop), Person(), vault=vault):
            assert server.door.secrets == ["hunter2", "better"]


async def test_new_passwords_that_differ_are_asked_for_again_and_reach_no_server(tmp_path: Path) -> None:
    person = Person(passwords=["hunter2"], answers=[["better", "bettr"], ["better", "better"]])
    async with ssh_server(Door(passwords=["hunter2"], expired=True)) as server:
        async with connected(target(server.hop(tmp_path)), person):
            assert server.door.changes == [("hunter2", "better")]
        assert "not the same" in person.challenges[1].instructions
        assert person.challenges[1].attempt == 2


async def test_a_new_password_that_the_server_does_not_take_is_asked_for_with_its_words(tmp_path: Path) -> None:
    person, vault = Person(passwords=["hunter2"], answers=[["a", "a"], ["better", "better"]]), Vault()
    async with ssh_server(Door(passwords=["hunter2"], expired=True, weak=["a"])) as server:
        async with connected(target(server.hop(tmp_path)), person, vault=vault):
            assert server.door.changes == [("hunter2", "a"), ("hunter2", "better")]
        assert person.challenges[1].instructions.startswith("Too short")


async def test_with_nobody_to_choose_a_new_password_the_advice_says_who_can(tmp_path: Path) -> None:
    vault = Vault()
    async with ssh_server(Door(passwords=["hunter2"], expired=True)) as server:
        hop = server.hop(tmp_path)
        vault.put("server", HopPassword(hop.identity), Secret("hunter2"))
        error = await refused(target(hop), vault=vault)
        assert server.door.changes == []
    assert error.code is Code.AUTH_PASSWORD_EXPIRED
    assert "--batch" in error.advice[0].text


PAM_CHANGE = [
    ("", "", [("Password: ", False)], ["hunter2"]),
    ("", "You are required to change your password immediately.", [("Current password: ", False)], ["hunter2"]),
    ("", "", [("New password: ", False)], ["better"]),
    ("", "", [("Retype new password: ", False)], ["better"]),
]


async def test_pams_questions_for_a_new_password_are_one_form_and_the_new_one_is_kept(tmp_path: Path) -> None:
    person, vault = Person(answers=[["hunter2"], ["bettr", "better"], ["better", "better"]]), Vault()
    async with ssh_server(Door(rounds=PAM_CHANGE)) as server:
        hop = server.hop(tmp_path)
        async with connected(target(hop), person, vault=vault) as link:
            assert server.door.secrets == ["hunter2", "hunter2", "better", "better"]
            assert link.facts.login_repeats
        assert [len(challenge.prompts) for challenge in person.challenges] == [1, 2, 2]
        kept = vault.get("server", HopPassword(hop.identity))
        assert kept is not None and kept.reveal() == "better"


async def test_a_new_password_that_nobody_chooses_is_told_as_such(tmp_path: Path) -> None:
    async with ssh_server(Door(rounds=PAM_CHANGE)) as server:
        error = await refused(target(server.hop(tmp_path)), Person(answers=[["hunter2"]]))
    assert error.code is Code.AUTH_PASSWORD_EXPIRED
    assert error.evidence["wanted"] == "a new password"


async def test_an_expired_password_is_its_own_code(tmp_path: Path) -> None:
    async with ssh_server(Door(passwords=["hunter2"], expired=True)) as server:
        error = await refused(target(server.hop(tmp_path)), Person(passwords=["hunter2"]))
    assert error.code is Code.AUTH_PASSWORD_EXPIRED
    assert "\x1b" not in error.evidence["reason"]


# --- questions of the server ---


async def test_a_code_after_the_password_is_asked_for_and_not_kept(tmp_path: Path) -> None:
    person, vault = Person(answers=[["hunter2"], ["123456"]]), Vault()
    async with ssh_server(Door(rounds=CODE_AFTER_PASSWORD)) as server:
        hop = server.hop(tmp_path)
        async with connected(target(hop), person, vault=vault) as link:
            assert link.facts.auth_method == "keyboard-interactive"
        second = person.challenges[1]
        assert (second.title, second.instructions, second.prompts[0].text) == (
            "Two factors",
            "Look at your phone",
            "Verification code: ",
        )
        assert len(vault) == 1
        again = Person(answers=[["123456"]])
        async with connected(target(hop), again, vault=vault):
            assert [challenge.title for challenge in again.challenges] == ["Two factors"]


async def test_of_two_questions_at_once_only_the_code_is_asked_again(tmp_path: Path) -> None:
    vault = Vault()
    async with ssh_server(Door(rounds=BOTH_AT_ONCE)) as server:
        there = target(server.hop(tmp_path))
        first, again = Person(answers=[["hunter2", "123456"]]), Person(answers=[["123456"]])
        async with connected(there, first, vault=vault):
            assert [prompt.echo for prompt in first.challenges[0].prompts] == [False, True]
        async with connected(there, again, vault=vault):
            assert [prompt.text for prompt in again.challenges[0].prompts] == ["Code: "]


async def test_the_kept_password_is_given_once_in_a_login_and_then_a_person_is_asked(tmp_path: Path) -> None:
    """Servers may ask again within the same exchange when the answer was wrong."""
    rounds = [("", "", [("Password: ", False)], ["old"]), ("", "", [("Password: ", False)], ["hunter2"])]
    person, vault = Person(answers=[["hunter2"]]), Vault()
    async with ssh_server(Door(rounds=rounds)) as server:
        hop = server.hop(tmp_path)
        vault.put("server", HopPassword(hop.identity), Secret("old"))
        async with connected(target(hop), person, vault=vault):
            assert server.door.secrets == ["old", "hunter2"]
            assert len(person.challenges) == 1
        kept = vault.get("server", HopPassword(hop.identity))
        assert kept is not None and kept.reveal() == "hunter2"


async def test_wrong_answers_are_asked_for_three_times(tmp_path: Path) -> None:
    person = Person(answers=[["no", "1"], ["no", "2"], ["no", "3"], ["hunter2", "123456"]])
    async with ssh_server(Door(rounds=BOTH_AT_ONCE)) as server:
        error = await refused(target(server.hop(tmp_path)), person)
    assert error.code is Code.AUTH_DENIED
    assert [challenge.attempt for challenge in person.challenges] == [1, 2, 3]


async def test_a_server_that_asks_nothing_is_invited_once_and_no_secret_counts_as_refused(tmp_path: Path) -> None:
    person = Person(passwords=["wrong", "hunter2"])
    async with ssh_server(Door(passwords=["hunter2"], asks_nothing=True)) as server:
        error = await refused(target(server.hop(tmp_path)))
        assert server.door.methods == ["keyboard-interactive"]
        assert "refused_secrets" not in error.evidence
        async with connected(target(server.hop(tmp_path)), person):
            assert server.door.secrets == ["wrong", "hunter2"]


async def test_a_declined_question_ends_the_login_without_another(tmp_path: Path) -> None:
    person = Person(passwords=["hunter2"])
    async with ssh_server(Door(rounds=BOTH_AT_ONCE, passwords=["hunter2"])) as server:
        error = await refused(target(server.hop(tmp_path)), person)
    assert error.code is Code.DECLINED
    assert "declined" in error.message and "nobody" not in error.message
    assert person.secrets == []


@pytest.mark.parametrize("named", [True, False])
async def test_who_is_refused_under_the_name_of_this_account_is_told_where_it_came_from(
    tmp_path: Path, named: bool
) -> None:
    async with ssh_server(Door(passwords=["hunter2"])) as server:
        hop = replace(server.hop(tmp_path), user="somebody" if named else local_user())
        error = await refused(target(hop), Person(passwords=["wrong"]))
    assert error.code is Code.AUTH_DENIED
    assert ("is your name on this machine" in error.advice[0].text) is not named


async def test_words_without_a_question_are_shown_and_need_no_answer(tmp_path: Path) -> None:
    rounds = [("Notice", "Maintenance at noon", [], []), ("", "", [("Code: ", False)], ["1"])]
    person = Person(answers=[["1"]])
    async with ssh_server(Door(rounds=rounds)) as server, connected(target(server.hop(tmp_path)), person):
        assert person.challenges[0].instructions == "Maintenance at noon"


async def test_a_server_that_asks_on_without_a_question_is_left(tmp_path: Path) -> None:
    async with ssh_server(Door(rounds=[("", "", [], [])] * 500)) as server:
        error = await refused(target(server.hop(tmp_path)), Person())
    assert error.code is Code.AUTH_ENDLESS
    assert isinstance(error, AuthError) and not error.retryable


async def test_a_server_that_asks_on_is_left_whatever_the_person_answers(tmp_path: Path) -> None:
    rounds = [("", "", [("Code: ", False)], ["1"])] * 500
    person = Person(answers=[["1"]] * 500)
    async with ssh_server(Door(rounds=rounds)) as server:
        error = await refused(target(server.hop(tmp_path)), person)
    assert error.code is Code.AUTH_ENDLESS
    assert len(person.challenges) == MOST_ROUNDS


@pytest.mark.parametrize("words", ["", "wait"])
async def test_words_without_a_question_do_not_win_the_server_more_time(tmp_path: Path, words: str) -> None:
    async with ssh_server(Door(rounds=[("", words, [], [])] * 500, delay=0.1)) as server:
        hop = server.hop(tmp_path)
        hop = replace(hop, timeouts=replace(hop.timeouts, login=0.5))
        error = await refused(target(hop), Person())
    assert error.code is Code.AUTH_TIMEOUT


async def test_prompts_of_the_server_are_cleaned(tmp_path: Path) -> None:
    rounds = [("\x1b]0;x\x07", "\u202ereversed", [("Code\x1b[8m: \n", False)], ["1"])]
    person = Person(answers=[["1"]])
    async with ssh_server(Door(rounds=rounds)) as server, connected(target(server.hop(tmp_path)), person):
        shown = person.challenges[0]
        for text in (shown.title, shown.instructions, shown.prompts[0].text):
            assert not set(text) & set("\x1b\x07\u202e\n")


async def test_a_banner_is_shown_cleaned(tmp_path: Path) -> None:
    person = Person(passwords=["hunter2"])
    door = Door(passwords=["hunter2"], banner="Authorised\x1b[2J use only\n")
    async with ssh_server(door) as server, connected(target(server.hop(tmp_path)), person):
        host, text = person.announced[0]
        assert host == "server"
        assert "use only\n" in text and "\x1b" not in text


# --- time ---


async def test_no_limit_runs_while_a_person_thinks(tmp_path: Path) -> None:
    """asyncssh's own login timeout counts while a code is typed."""
    async with ssh_server(Door(passwords=["hunter2"])) as server:
        hop = server.hop(tmp_path)
        hop = replace(hop, timeouts=replace(hop.timeouts, login=0.3))
        phases = Phases()
        async with connected(target(hop), Person(passwords=["hunter2"], thinks=0.8), observer=phases):
            pass
    spent = [event.seconds for event in phases.events if isinstance(event, PhasePassed)]
    assert max(spent) < 0.7


async def test_a_server_that_does_not_answer_a_login_is_not_waited_for(tmp_path: Path) -> None:
    async with ssh_server(Door(passwords=["hunter2"], on_begin=_fall_silent)) as server:
        hop = server.hop(tmp_path)
        hop = replace(hop, timeouts=replace(hop.timeouts, login=0.3))
        phases = Phases()
        error = await refused(target(hop), Person(passwords=["hunter2"]), observer=phases)
    assert error.code is Code.AUTH_TIMEOUT
    assert phases.failed is not None and phases.failed.phase is Phase.AUTH


def _fall_silent(conn: asyncssh.SSHServerConnection) -> None:
    conn.send_packet = lambda *args, **more: None  # type: ignore[method-assign]


async def test_a_slow_login_may_be_made_again_unless_a_person_gave_something_for_it(tmp_path: Path) -> None:
    vault = Vault()
    async with ssh_server(Door(rounds=[("", "", [("Password: ", False)], ["hunter2"])], delay=5)) as server:
        hop = server.hop(tmp_path)
        hop = replace(hop, timeouts=replace(hop.timeouts, login=0.3))
        typed = await refused(target(hop), Person(answers=[["hunter2"]]))
        vault.put("server", HopPassword(hop.identity), Secret("hunter2"))
        kept = await refused(target(hop), vault=vault)
    assert typed.code is kept.code is Code.AUTH_TIMEOUT
    assert not may_repeat(typed)
    assert may_repeat(kept)


async def test_a_server_that_hangs_up_during_the_login_is_told(tmp_path: Path) -> None:
    door = Door(passwords=["hunter2"], on_begin=lambda conn: conn.abort())
    async with ssh_server(door) as server:
        error = await refused(target(server.hop(tmp_path)), Person(passwords=["hunter2"]))
    assert error.code is Code.CONNECTION_LOST
    assert error.message == "server closed the connection before the login was over."
    assert error.evidence["during"] == "login"
    assert not any("go on by themselves" in item.text for item in error.advice)  # there is nothing yet that could


async def test_a_login_that_is_cut_off_is_made_again_unless_a_person_gave_something_for_it(tmp_path: Path) -> None:
    class Unlucky(Person):
        async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
            server.door.connections[-1].abort()
            return await super().challenge(challenge)

    async with ssh_server(Door(rounds=[("", "", [("Code: ", False)], ["1"])])) as server:
        spent = await refused(target(server.hop(tmp_path)), Unlucky(answers=[["1"]]))
    async with ssh_server(Door(passwords=["x"], on_begin=lambda conn: conn.abort())) as server:
        free = await refused(target(server.hop(tmp_path)), Person(passwords=["x"]))
    assert spent.code is free.code is Code.CONNECTION_LOST
    assert not may_repeat(spent)
    assert may_repeat(free)


# --- secrets ---


@pytest.mark.parametrize("policy", list(HostKeyPolicy))
async def test_no_login_reaches_a_server_whose_key_was_not_accepted(tmp_path: Path, policy: HostKeyPolicy) -> None:
    """Host keys come first, on every policy: a server that may be an impostor learns neither name nor secret."""
    vault, person = Vault(), Person(passwords=["hunter2"], host_keys=[HostKeyDecision.REFUSE])
    async with ssh_server(Door(passwords=["hunter2"])) as impostor, ssh_server(Door()) as real:
        hop = impostor.hop(tmp_path, host_key_policy=policy)
        hop.known_hosts.user[0].write_text(
            f"[127.0.0.1]:{impostor.port} {real.key.export_public_key().decode()}",
        )
        vault.put("server", HopPassword(hop.identity), Secret("hunter2"))
        error = await refused(target(hop), person, vault=vault)
        assert error.code is Code.HOST_KEY_CHANGED
        assert impostor.door.begun == 0
        assert impostor.door.secrets == []


async def test_the_secret_of_one_hop_is_never_offered_to_another(tmp_path: Path) -> None:
    vault = Vault()
    bastion, inner = Door(passwords=["bastion-secret"], forwards=True), Door(passwords=["inner-secret"])
    async with ssh_server(inner) as second, ssh_server(bastion) as first:
        hops = (first.hop(tmp_path, name="bastion"), second.hop(tmp_path, name="inner"))
        person = Person(passwords=["bastion-secret", "inner-secret"])
        async with connected(target(*hops), person, vault=vault) as link:
            assert await output(link, b"hello") == b"hello"
        async with connected(target(*hops), Person(), vault=vault):
            pass
        assert [request.host for request in person.secrets] == ["bastion", "inner"]
        assert bastion.secrets == ["bastion-secret"] * 2
        assert inner.secrets == ["inner-secret"] * 2


async def test_the_same_address_behind_a_jump_host_is_another_machine(tmp_path: Path) -> None:
    """Each network has its own 127.0.0.1 and its own 10.0.0.1."""
    vault, person = Vault(), Person(passwords=["hunter2", "hunter2"])
    async with ssh_server(Door(passwords=["hunter2"], forwards=True)) as server:
        hops = (server.hop(tmp_path, name="bastion"), server.hop(tmp_path, name="inner"))
        async with connected(target(*hops), person, vault=vault):
            assert [request.host for request in person.secrets] == ["bastion", "inner"]
        async with connected(target(*hops), Person(), vault=vault):
            assert server.door.secrets == ["hunter2"] * 4


async def test_the_same_address_under_another_key_alias_is_another_machine(tmp_path: Path) -> None:
    vault, person = Vault(), Person(passwords=["hunter2"])
    async with ssh_server(Door(passwords=["hunter2"])) as server:
        hop = server.hop(tmp_path)
        vault.put("server", HopPassword(hop.identity), Secret("of another"))
        hop.known_hosts.user[0].write_text(f"db {server.key.export_public_key().decode()}")
        async with connected(target(replace(hop, host_key_alias="db")), person, vault=vault):
            assert server.door.secrets == ["hunter2"]


async def test_planted_secrets_are_in_no_error_and_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    person = Person(passwords=["planted-1", "planted-2", "planted-3"])
    async with ssh_server(Door(passwords=["hunter2"])) as server:
        error = await refused(target(server.hop(tmp_path)), person)
    told = f"{error!r} {error.to_json()} {error.evidence} {caplog.text}"
    assert "planted" not in told
