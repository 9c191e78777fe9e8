"""What a simulated host answers when it is asked, from inside, why it refuses somebody's login.

Fairlead's script asks for it in one go (`backend.diagnostics.server_side.script`); here the same lines come from the
host's own users and files, as far as whoever asks may see them.
"""

from __future__ import annotations

from backend.errors import FileError
from mocks.host import User
from mocks.nodes import File, Node
from mocks.shell.run import Run, encode

_CONFIG = "/etc/ssh/sshd_config"
_LOG = "/var/log/auth.log"


async def look(run: Run, name: str, marker: str) -> int:
    """The answer about the account `name`."""

    async def say(what: str, value: str) -> None:
        await run.line(f"{marker} {what} {value}")

    await say("me", run.user.name)
    await say("uid", str(run.user.uid))
    await say("from", "198.51.100.20")
    await say("now", f"{run.clock.now().timestamp():.0f}")
    user = run.host.users.get(name)
    if user is None:
        await say("account", "none")
    else:
        for what, value in _account(run, user):
            await say(what, value)
    await say("config", _CONFIG)
    if run.user.uid == 0:
        await say("settled", "yes")
    else:
        await say("unseen", _LOG)
    await say("end", "yes")
    return 0


def _account(run: Run, user: User) -> list[tuple[str, str]]:
    home = user.home_path.decode()
    directory, listed = f"{home}/.ssh", f"{home}/.ssh/authorized_keys"
    told = [
        ("account_uid", str(user.uid)),
        ("home", home),
        ("shell", user.shell),
        ("shell_is", "there"),
        ("groups", " ".join([user.name, *(group for group, _ in user.groups)])),
    ]
    for path in (home, directory, listed):
        told += [("path", path), ("path_is", _shown(run, path))]
    if _node(run, home) is not None:
        told.append(("home_is", "there"))
    told.append(("keys", listed))
    file = _node(run, listed)
    if not isinstance(file, File):
        told.append(("keys_are", "missing"))
    elif not run.host.tree.may(file, run.actor, 4):
        told.append(("keys_are", "closed"))
    else:
        lines = file.content.read(0, file.content.size).decode().splitlines()
        told += [("keys_are", "readable"), *(("key", line) for line in lines)]
    return told


def _node(run: Run, path: str) -> Node | None:
    try:
        return run.host.tree.get(encode(path))
    except FileError:
        return None


def _shown(run: Run, path: str) -> str:
    """As `ls -ldn` has it."""
    node = _node(run, path)
    if node is None:
        return f"ls: cannot access '{path}': No such file or directory"
    letters = "".join(letter if node.mode >> (8 - place) & 1 else "-" for place, letter in enumerate("rwxrwxrwx"))
    return f"{'-' if isinstance(node, File) else 'd'}{letters} 1 {node.uid} {node.gid} 4096 Nov 27 06:00 {path}"
