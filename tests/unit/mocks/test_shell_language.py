"""The simulated shell says what a real one says, for the part of the language that it has."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.mocks.shells import sh, small_host

SCRIPTS = [
    "echo one; echo two",
    "true && echo yes || echo no",
    "false && echo yes || echo no",
    "false || true && echo both",
    "! true; echo $?",
    "! false; echo $?",
    "(exit 3); echo $?",
    "{ echo a; echo b; }",
    "( cd / && pwd ); cd / && pwd",
    "X=1; (X=2; echo $X); echo $X",
    "X=1; { X=2; }; echo $X",
    "A='a b'; printf '<%s>' $A; printf '<%s>' \"$A\"",
    'A="  x  y "; printf "<%s>" p${A}q; printf "<%s>" "$A"',
    "E=; printf '<%s>' $E a \"$E\" b",
    "echo ${UNSET:-fallback} ${HOME:-none} | grep -c fallback",
    "echo 'single $HOME \\ \"' \"double \\$HOME \\\\ '\"",
    "echo a\\ b\\$c",
    "echo a'b'\"c\"d",
    'echo "$(echo inner; echo lines)"; echo $(echo inner; echo lines)',
    "echo `echo old`",
    "echo $(printf 'trailing\\n\\n\\n')end",
    'echo "$(echo "nested $(echo deep)")"',
    "echo $(echo ')')",
    "for i in a b c; do printf '[%s]' $i; done",
    "for i in $(seq 3); do echo $i; done | sort -r",
    "if true; then echo t; else echo f; fi",
    "if false; then echo t; elif true; then echo e; else echo f; fi",
    "if false; then echo t; fi; echo $?",
    'seq 4 | while read n; do echo "n=$n"; done',
    "until true; do echo never; done; echo done",
    "echo out > f; echo more >> f; cat f; cat < f",
    "echo err >&2; echo out",
    "{ echo out; echo err >&2; } 2>&1 | sort",
    "{ echo out; echo err >&2; } > both 2>&1; sort both",
    "cat nowhere 2> /dev/null; echo $?",
    "cat < nowhere 2>/dev/null || echo cannot",
    "seq 100000 | head -n 2; echo after",
    "yes | head -n 3",
    "echo a | cat - /dev/null | cat",
    "printf 'a\\nb\\n' | while read x; do read y; echo $x$y; done",
    "sh -c 'echo $0 $1 $#' name one",
    "sh -c 'exit 5'; echo $?",
    "echo 'echo from stdin; exit 6' | sh; echo $?",
    "sh -c 'kill -TERM $$'; echo $?",
    "exit 300",
    "exit 7; echo never",
    "set -- a 'b c' d; echo $# \"$2\"; shift; echo $1; printf '<%s>' \"$@\"",
    "eval 'echo evaluated; X=5'; echo $X",
    "X=5 sh -c 'echo $X'; echo \"[$X]\"",
    "export X=7; sh -c 'echo $X'; Y=8; sh -c 'echo \"[$Y]\"'",
    "test a = a; echo $?; [ 3 -gt 5 ]; echo $?; [ -z '' ] && echo empty",
    "[ -d . ] && [ ! -e nowhere ] && echo right",
    "touch a1 a2 b1 .hidden; echo a* *1; echo *none; echo 'a*' \"a*\"",
    "mkdir -p x/y; touch x/y/f; echo x/*/f; echo x/*",
    "echo ~ | grep -c /",
    "echo # comment\necho next # another",
    "echo a\\\nb",
    "echo a; ;",
    "if true; then",
    "echo 'unterminated",
    "nosuch; echo $?",
    "./nosuch; echo $?",
    "command -v sort > /dev/null && echo has; command -v nosuch || echo lacks",
    "cd nowhere 2>/dev/null || echo stays; pwd | grep -c /",
    "echo 'p q r' | { read a b; echo \"$a|$b\"; }",
    "exec echo replaced; echo never",
    "true | false; echo $?; false | true; echo $?",
    "(exit 3) | cat; echo $?",
    "printf '%s-%s\\n' a b c",
    "printf '%5d|%-5s|%03d|%x|%c\\n' 42 ab 7 255 xyz",
    "printf '%b' 'a\\tb\\n'; printf '\\101\\n'",
    "printf plain; printf '%%\\n'",
]


def real(script: str, directory: Path) -> tuple[bytes, int]:
    """Output and status of the machine's own shell."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C"}
    done = subprocess.run(
        ["sh", "-c", script], cwd=directory, env=environment, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    return done.stdout, done.returncode


@pytest.mark.skipif(shutil.which("sh") is None, reason="no POSIX shell to compare with")
@pytest.mark.parametrize("script", SCRIPTS)
async def test_it_says_what_a_real_shell_says(script: str, tmp_path: Path) -> None:
    output, status = real(script, tmp_path)
    told, _, report = await sh(small_host(), script)
    assert (told, report.status) == (output, status)
