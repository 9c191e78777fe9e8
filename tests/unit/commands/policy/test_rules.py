"""What the lists of commands say: judged by what a shell would start, however it is spelt."""

from __future__ import annotations

import contextlib
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.commands.policy.reader import read
from backend.commands.policy.rules import Rule, Rules, denial
from backend.commands.policy.values import Unreadable

NO_RM = Rules(deny=(Rule("rm", "[defaults]"),))
NO_STOP = Rules(deny=(Rule("systemctl stop *", "[defaults]"),))
ONLY = Rules(allow=(Rule("ls"), Rule("systemctl restart nginx*"), Rule("git *"), Rule("> /tmp/*")))

RUNS_RM = (
    "rm x", "ls; rm x", "ls && rm x", "ls || rm x", "ls | rm x", "ls & rm x", "ls |& rm x", "ls\nrm x", "(rm x)",
    "{ rm x; }", "! rm x", "time rm x", "if true; then rm x; fi", "while rm x; do :; done",
    "for i in a; do rm $i; done",
    "echo $(rm x)", 'echo "$(rm x)"', "echo `rm x`", 'echo "`rm x`"', "cat <(rm x)", "[[ -n $(rm x) ]]", "X=$(rm x)",
    "/bin/rm x", "/usr/bin/../bin/rm x", "\\rm x", "'rm' x", '"rm" x', "r'm' x", 'r""m x', "r\\m x", "X=1 rm x",
    ">/dev/null rm x", "2>&1 rm x", "rm\tx", "ls ;rm x", "sudo rm x", "sudo -u root -- rm x", "sudo -nu root rm x",
    "sudo X=1 rm x", "env X=1 rm x", "env -u Y rm x", "env -i /bin/rm x", "nice -n 5 rm x", "nice -5 rm x",
    "nohup rm x", "timeout -s KILL 5 rm x", "timeout --signal=KILL 5 rm x", "setsid rm x", "stdbuf -oL rm x",
    "command rm x", "exec rm x", "builtin rm x", "busybox rm x", "xargs rm", "xargs -n 1 -I{} rm {}",
    "find . -exec rm {} +", "find . -name x -execdir rm {} ';'", "sh -c 'rm x'", "bash -lc 'rm x'", "sh -ec 'ls; rm x'",
    "/bin/sh -o errexit -c 'rm x'", "su -c 'rm x'", "su root -c 'rm x'", "su - root --command='rm x'", "eval 'rm x'",
    "eval rm x", "trap 'rm x' EXIT", "sudo sh -c \"env nice sh -c 'rm x'\"", "chroot /mnt rm x", "doas rm x",
)  # fmt: skip
MAY_RUN_RM = (
    "$x", "$(echo rm) x", "`echo rm` x", "${x} y", "{rm,x}", "/bin/r? x", "/bin/r* x", "$'rm' x", "r$y x", 'sh -c "$x"',
    "sh -c $x", "curl x | sh", "bash -s", "bash <<E\nrm x\nE\n", "eval $x", "env -S 'rm x'", "env $x", "sudo $x",
    "sudo -i", "sudo -s", "su", "su - root", ". ./x", "source x", "alias ls=rm", "ssh other rm x", "f() { rm x; }; f",
    "case x in x) rm x;; esac", "PATH=/evil ls", "cat <<E\n$(rm x)\nE\n", "echo ${x:-$(rm x)}", "echo $(( $(rm x) ))",
    "echo 'unfinished", "x=(rm x); ${x[@]}", "fish -c 'rm x'",
)  # fmt: skip
NO_RM_IN_IT = (
    "ls", "echo rm", "echo 'rm x'", "ls # rm x", "ls rm", "cat <<E\nrm x\nE\n", "cat <<'E'\n$(rm x)\nE\n", "ls $x",
    'echo "$x"', "grep -r rm .", "ls *.txt", "X=1 ls", "command -v rm", "ls > rm", "echo \\; rm", "echo ';' rm",
    "for i in 1 2; do echo $i; done", "sudo ls", "env", "sudo -v", "rmdir x", "arm x", "sh ./rm", "echo \"a;rm x\"",
)  # fmt: skip


@pytest.mark.parametrize("command", RUNS_RM + MAY_RUN_RM)
def test_a_denied_command_is_found_however_it_is_started(command: str) -> None:
    assert denial(command.encode(), NO_RM) is not None


@pytest.mark.parametrize("command", RUNS_RM)
def test_and_the_rule_is_named(command: str) -> None:
    found = denial(command.encode(), NO_RM)
    assert found is not None
    assert "'rm' of [defaults]" in found.why


@pytest.mark.parametrize("command", NO_RM_IN_IT)
def test_what_only_speaks_of_it_may_run(command: str) -> None:
    assert denial(command.encode(), NO_RM) is None


@pytest.mark.parametrize(
    "command",
    [
        "systemctl stop x",
        "systemctl --no-pager stop x",
        "systemctl -q stop x y",
        "systemctl stop -- x",
        "systemctl $verb x",
        "systemctl st* x",
    ],
)
def test_words_of_a_denied_command_may_stand_among_others(command: str) -> None:
    assert denial(command.encode(), NO_STOP) is not None


@pytest.mark.parametrize("command", ["systemctl start x", "systemctl status stop", "echo systemctl stop x"])
def test_other_words_are_other_commands(command: str) -> None:
    assert denial(command.encode(), NO_STOP) is None


@pytest.mark.parametrize("command", ["rm -rf x", "rm -fr x", "rm -r -f x", "rm -vrf x", "rm x -rf", "rm -r $x"])
def test_options_of_a_denied_command_may_stand_in_any_order(command: str) -> None:
    assert denial(command.encode(), Rules(deny=(Rule("rm -rf"),))) is not None


def test_without_its_options_it_may_run() -> None:
    assert denial(b"rm -r x", Rules(deny=(Rule("rm -rf"),))) is None
    assert denial(b"rsync --del x", Rules(deny=(Rule("rsync --delete"),))) is not None


@pytest.mark.parametrize(
    ("command", "may"),
    [
        ("ls -l", True),
        ("ls | ls", True),
        ("systemctl restart nginx.service", True),
        ("systemctl restart mysql", False),
        ("systemctl restart $x", False),
        ("git status", True),
        ("git", False),
        ("ls; id", False),
        ("ls $(id)", False),
        ("nice -n 5 ls", True),
        ("sudo ls", False),
        ("ls > /etc/passwd", False),
        ("ls > /tmp/x", True),
        ("ls > $x", False),
        ("ls 2>&1 >/dev/null", True),
        ("", True),
    ],
)
def test_a_list_of_allowed_commands_allows_nothing_else(command: str, may: bool) -> None:
    assert (denial(command.encode(), ONLY) is None) == may


def test_what_denies_wins() -> None:
    both = Rules(deny=(Rule("ls *"),), allow=(Rule("ls"),))
    assert denial(b"ls", both) is None
    assert denial(b"ls /", both) is not None


def test_another_user_has_to_be_allowed_by_name() -> None:
    assert denial(b"ls", ONLY, through="sudo") is not None
    assert denial(b"ls", Rules(allow=(Rule("sudo ls"),)), through="sudo") is None
    assert denial(b"ls", Rules(deny=(Rule("sudo"),)), through="sudo") is not None
    assert denial(b"rm x", NO_RM, through="su") is not None


def test_bytes_that_are_no_text_are_judged_as_well() -> None:
    assert denial(b"echo \xff; rm \xfe", NO_RM) is not None
    assert denial(b"echo \xff", NO_RM) is None
    assert denial(b"ls\0", NO_RM) is not None


WORDS = st.sampled_from(["a", "'b c'", '"d"', "\\e", "f\\ g", "-x", "''", "h=1", "1", "'$(x)'"])
JOINTS = st.sampled_from([" ; ", " && ", " | ", "\n", " & ", " || ", "; ! ", "; ( true ) ; "])


@pytest.mark.skipif(shutil.which("dash") is None, reason="dash is not installed")
@settings(max_examples=40)
@given(st.lists(st.lists(WORDS, max_size=3), min_size=1, max_size=4), st.data())
def test_a_shell_starts_what_was_read(commands: list[list[str]], data: st.DataObject) -> None:
    """`p` prints its arguments: whatever dash passes to it is among what was read, and nothing else is."""
    parts = [" ".join(["p", *words]) for words in commands]
    text = parts[0]
    for part in parts[1:]:
        text += data.draw(JOINTS) + part
    real = subprocess.run(
        ["dash", "-c", f'p() {{ x=$(printf \'[%s]\' p "$@"); echo "$x" >&3; }}\nexec 3>&1 >/dev/null\n{text}\nwait'],
        capture_output=True,
        check=False,
    ).stdout.decode()
    found = read(text.encode()).commands
    ours = ["".join(f"[{word.text}]" for word in each.words) for each in found if each.name == "p"]
    assert set(real.split("\n")) - {""} <= set(ours)


@settings(max_examples=300)
@given(st.text(alphabet="rm \\'\"$(){}|&;<>\n`#=~*?[]!-/c", max_size=24))
def test_any_text_is_read_or_called_unreadable(text: str) -> None:
    with contextlib.suppress(Unreadable):
        read(text.encode())
