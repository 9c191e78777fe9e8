"""The flags that every command takes: before its name, after it, and both."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.group import COMMANDS
from cli.root import fairlead


@click.group()
@global_flags()
def root() -> None: ...


@root.command()
@click.argument("word", default="")
@global_flags()
@pass_flags
def plain(flags: GlobalFlags, word: str) -> None: ...


@root.command("list")
@click.option("-l", "long", is_flag=True)
@global_flags(without={"-l"})
@pass_flags
def with_own_l(flags: GlobalFlags, long: bool) -> int:
    return int(long)


def _parsed(*arguments: str) -> tuple[GlobalFlags, object]:
    flags = GlobalFlags()
    return flags, root.main(arguments, standalone_mode=False, obj=flags)


_EACH = [
    (["--demo"], {"demo": True}),
    (["--config", "c.toml"], {"config": Path("c.toml")}),
    (["--state-dir", "s"], {"state_dir": Path("s")}),
    (["-F", "x"], {"ssh_config": Path("x")}),
    (["-J", "a,b"], {"jump": "a,b"}),
    (["--route", "tailscale"], {"route": "tailscale"}),
    (["-p", "2222"], {"port": 2222}),
    (["-l", "me"], {"user": "me"}),
    (["-i", "k1", "-i", "k2"], {"identity": (Path("k1"), Path("k2"))}),
    (["--known-hosts", "kh"], {"known_hosts": Path("kh")}),
    (["--host-key", "accept-new"], {"host_key": "accept-new"}),
    (["--password-stdin"], {"password_stdin": True}),
    (["--batch"], {"batch": True}),
    (["--log-file", "log"], {"log_file": Path("log")}),
    (["-vv"], {"verbose": 2}),
    (["--json"], {"json": True}),
]


@pytest.mark.parametrize(("words", "expected"), _EACH, ids=lambda value: value[0] if isinstance(value, list) else "")
def test_a_flag_means_the_same_before_and_after_the_command(words: list[str], expected: dict[str, object]) -> None:
    for arguments in ([*words, "plain"], ["plain", *words], ["plain", "word", *words]):
        flags, _ = _parsed(*arguments)
        assert {name: getattr(flags, name) for name in expected} == expected


def test_the_flag_nearer_to_the_command_wins_and_repeated_ones_add_up() -> None:
    flags, _ = _parsed("-p", "1", "-i", "k1", "-v", "plain", "-p", "2", "-i", "k2", "-v")
    assert (flags.port, flags.identity, flags.verbose) == (2, (Path("k1"), Path("k2")), 2)


def test_a_flag_that_is_absent_after_the_command_does_not_undo_the_one_before() -> None:
    flags, _ = _parsed("--json", "--demo", "-l", "me", "plain")
    assert (flags.json, flags.demo, flags.user) == (True, True, "me")


def test_a_commands_own_short_option_hides_the_flag_which_keeps_its_long_form() -> None:
    flags, long = _parsed("list", "-l", "--user", "me")
    assert (long, flags.user) == (1, "me")
    flags, long = _parsed("-l", "me", "list")
    assert (long, flags.user) == (0, "me")


@pytest.mark.parametrize(("value", "demo"), [("1", True), ("0", False), ("", False)])
def test_the_environment_may_ask_for_the_demo(value: str, demo: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_DEMO", value)
    assert GlobalFlags().demo is demo


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_every_flag_and_has_examples(name: str) -> None:
    context = click.Context(fairlead)
    command = fairlead.get_command(context, name)
    assert command is not None
    assert command.help is not None and f"fairlead {name}" in command.help
    leaves = [command, *command.commands.values()] if isinstance(command, click.Group) else [command]
    for leaf in leaves:
        known = {option for parameter in leaf.params for option in parameter.opts}
        assert known >= {"--demo", "--jump", "--user", "--port", "--batch", "--json", "--password-stdin"}
