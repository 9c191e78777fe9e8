"""From what a host shows of an account to why its login is refused: what the log names first, then the state. Pure."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import replace

from backend.diagnostics.server_side.causes import Cause
from backend.diagnostics.server_side.facts import Inside, KeyFileState, PathState
from backend.diagnostics.server_side.findings import Finding, ServerSide, finding
from backend.diagnostics.server_side.log_lines import lines_of, logged_causes, refused_logins
from backend.diagnostics.server_side.script import Question

_NOLOGIN = ("nologin", "false")
_ORDER = {cause: place for place, cause in enumerate(Cause)}
_HINTS = frozenset({Cause.DISK_FULL, Cause.SELINUX_LABEL, Cause.SERVER_SAYS, Cause.KEY_RESTRICTED})
"""They may well be there beside the true cause."""
_RIGHT_LABELS = ("ssh_home_t", "user_home_t", "unlabeled_t")


def judge(question: Question, seen: Inside, *, by: str) -> ServerSide:
    """The server's side: causes without repetition, most likely first."""
    logins = refused_logins(seen.log, question.user, seen.address, succeeds=seen.me == question.user)
    logged = [_exact(one, seen) for one in logged_causes(logins, question.user, seen.address)]
    if any(one.cause is Cause.ACCOUNT_EXPIRED for one in logged) and not seen.locked:
        # OpenSSH calls an expired account locked as well (`auth.c:allowed_user`).
        logged = [one for one in logged if one.cause is not Cause.ACCOUNT_LOCKED]
    told = [*logged, *_states(question, seen)]
    return ServerSide(
        host=question.host,
        by=by,
        user=question.user,
        seen_as=seen.me or "unknown",
        findings=_in_order(told),
        log=lines_of(logins),
        unseen=_unseen(seen),
        fine=tuple(_fine(question, seen)),
    )


def _in_order(told: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each cause of each path once; what is certain first, hints last."""
    unique: dict[tuple[Cause, str], Finding] = {}
    for one in told:
        place = (one.cause, one.evidence.get("path", "") if one.cause in _OF_PATHS else "")
        unique[place] = _together(unique[place], one) if place in unique else one
    ranked = sorted(unique.values(), key=lambda one: (not one.logged, one.cause in _HINTS, _ORDER[one.cause]))
    # That there were wrong tries, or that the login was denied, follows from what is found beside it.
    telling = any(one.cause not in _CONSEQUENCES | _HINTS for one in ranked)
    return tuple(one for one in ranked if not (telling and one.cause in _CONSEQUENCES))


def _together(one: Finding, other: Finding) -> Finding:
    """What the log says, in the words of the state, which knows more; two of a kind are the first."""
    if not one.logged or other.logged:
        return one
    return replace(other, logged=True, evidence={**other.evidence, "log": one.evidence.get("log", "")})


_OF_PATHS = frozenset({Cause.PATH_MODE, Cause.PATH_OWNER, Cause.KEYS_UNREADABLE, Cause.SELINUX_LABEL})
_CONSEQUENCES = frozenset({Cause.TOO_MANY_TRIES, Cause.WRONG_PASSWORD, Cause.SERVER_SAYS})


def _exact(one: Finding, seen: Inside) -> Finding:
    """The log says "bad ownership or modes", or that the file cannot be read: which of them, as the state shows it."""
    if one.cause not in {Cause.PATH_MODE, Cause.KEYS_UNREADABLE}:
        return one
    path = one.evidence.get("path", "")
    state = next((state for state in seen.paths if posixpath.normpath(state.path) == posixpath.normpath(path)), None)
    if one.cause is Cause.KEYS_UNREADABLE and (state is None or not _foreign(state, seen)):
        return one
    evidence = {name: value for name, value in one.evidence.items() if name != "path"}
    return _path_finding(state or PathState(path), seen, evidence, logged=True)


def _foreign(state: PathState, seen: Inside) -> bool:
    """It belongs neither to the account nor to root."""
    return bool(state.owner) and state.owner not in {"0", seen.account_uid}


def _private(state: PathState, seen: Inside) -> bool:
    """Only its user's own group may write, which Debian's server allows and others do not: its log would tell."""
    own = bool(state.group) and state.group == seen.account_gid
    return own and bool(seen.log_from) and state.mode is not None and not state.mode & 0o002


def _path_finding(state: PathState, seen: Inside, evidence: dict[str, str], *, logged: bool) -> Finding:
    told = {**evidence, "path": state.path}
    if _foreign(state, seen) and not state.open_to_others:
        return finding(Cause.PATH_OWNER, logged=logged, owner=f"uid {state.owner}", **told)
    mode = "unknown" if state.mode is None else f"{state.mode:04o}"
    return finding(Cause.PATH_MODE, logged=logged, mode=mode, **told)


# --- the state ---------------------------------------------------------------------------------------------------


def _states(question: Question, seen: Inside) -> Iterator[Finding]:
    user = question.user
    if seen.account is False:
        yield finding(Cause.USER_UNKNOWN, user=user)
        return
    yield from _lists(question, seen)
    yield from _account(question, seen)
    yield from _shell(question, seen)
    if "publickey" in question.methods or not question.methods:
        yield from _keys(question, seen)
    yield from _methods(question, seen)
    if seen.address in seen.banned:
        yield finding(Cause.BANNED, address=seen.address, reason="fail2ban holds it off")
    if seen.nologin and user != "root":
        yield finding(Cause.NOLOGIN_FILE, path=seen.nologin)
    if seen.settled and (command := seen.setting("forcecommand")) not in {"", "none"}:
        yield finding(Cause.FORCED_COMMAND, command=command, user=user)
    if seen.full:
        yield finding(Cause.DISK_FULL, path=seen.full)


def _lists(question: Question, seen: Inside) -> Iterator[Finding]:
    """AllowUsers and its kin (sshd_config(5)): patterns, of users perhaps with a host. What one file says is not what
    holds, as others may be included."""
    if not seen.settled:
        return
    users, groups = (question.user,), seen.groups
    for option, names, allowed, reason in (
        ("denyusers", users, False, "it is listed in DenyUsers"),
        ("allowusers", users, True, "it is not listed in AllowUsers"),
        ("denygroups", groups, False, "one of its groups is listed in DenyGroups"),
        ("allowgroups", groups, True, "none of its groups is listed in AllowGroups"),
    ):
        patterns = [word for value in seen.settings.get(option, ()) for word in value.split()]
        if not patterns or (not names and option.endswith("groups")):
            continue
        if _listed(patterns, names) is not allowed:
            listed = " ".join(patterns)[:200]
            yield finding(Cause.USER_NOT_ALLOWED, user=question.user, reason=reason, listed=listed, file=seen.config)
            return
    if question.user == "root" and seen.setting("permitrootlogin") in {"no", "forced-commands-only"}:
        yield finding(Cause.ROOT_NOT_ALLOWED, setting=seen.setting("permitrootlogin"))


def _listed(patterns: Sequence[str], names: Sequence[str]) -> bool:
    """Whether one of the names is among the patterns; with a host behind it, it counts as listed: not judged here."""
    plain = [pattern.partition("@")[0] for pattern in patterns]
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in plain)


def _account(question: Question, seen: Inside) -> Iterator[Finding]:
    user, today = question.user, seen.now.date() if seen.now is not None else None
    by_password = any(method != "publickey" for method in question.methods)
    if seen.locked and (seen.setting("usepam") == "no" or by_password):
        yield finding(Cause.ACCOUNT_LOCKED, user=user)
    if seen.expires is not None and today is not None and seen.expires <= today:
        yield finding(Cause.ACCOUNT_EXPIRED, user=user, when=f"on {seen.expires}")
    if seen.password_must_change:
        yield finding(Cause.PASSWORD_EXPIRED, user=user, when="it must be changed at the next login")
    elif seen.password_expires is not None and today is not None and seen.password_expires < today:
        yield finding(Cause.PASSWORD_EXPIRED, user=user, when=f"on {seen.password_expires}")
    if seen.failures >= _LOCKING and by_password:
        yield finding(Cause.LOCKED_OUT, user=user, failures=str(seen.failures))
    if seen.home and not seen.home_there and not any(state.mode is not None for state in seen.paths[:1]):
        yield finding(Cause.HOME_MISSING, user=user, path=seen.home)


_LOCKING = 3
"""Wrong passwords after which pam_faillock locks an account, unless told otherwise (faillock.conf(5))."""


def _shell(question: Question, seen: Inside) -> Iterator[Finding]:
    if seen.shell and not seen.shell_there:
        yield finding(Cause.SHELL_MISSING, user=question.user, shell=seen.shell)
    elif posixpath.basename(seen.shell) in _NOLOGIN:
        yield finding(Cause.SHELL_NOLOGIN, user=question.user, shell=seen.shell)


# --- keys --------------------------------------------------------------------------------------------------------


def _keys(question: Question, seen: Inside) -> Iterator[Finding]:
    if seen.setting("strictmodes") != "no":
        for state in _checked(seen):
            if (state.open_to_others and not _private(state, seen)) or _foreign(state, seen):
                yield _path_finding(state, seen, {"user": question.user}, logged=False)
    for path, label in seen.labels:
        if not any(right in label for right in _RIGHT_LABELS):
            yield finding(Cause.SELINUX_LABEL, path=path, label=label, directory=posixpath.dirname(path))
    yield from _listing(question, seen)


def _checked(seen: Inside) -> Iterator[PathState]:
    """What the server looks at: from each file of keys up, and the home directory where a file is below it."""
    for state in seen.paths:
        if state.path != seen.home or any(file.path.startswith(f"{seen.home}/") for file in seen.files):
            yield state


def _listing(question: Question, seen: Inside) -> Iterator[Finding]:
    """Whether a key that was shown is listed; silent where that cannot be known."""
    if seen.setting("trustedusercakeys") not in {"", "none"} or seen.setting("authorizedkeyscommand") not in {
        "",
        "none",
    }:
        return
    states = {file.state for file in seen.files}
    if not seen.files or states & {"closed", "hidden"}:
        return
    readable = [file for file in seen.files if file.state == "readable"]
    if not readable:
        path = seen.files[0].path
        yield finding(Cause.KEYS_MISSING, user=question.user, path=path, address=question.address)
        return
    found = [(file, key) for file in readable for key in file.keys if key.fingerprint in question.shown]
    for file, key in found:
        if key.options:
            told = {"path": file.path, "line": str(key.line), "options": key.options}
            yield finding(Cause.KEY_RESTRICTED, logged=False, **told)
    if not found and question.shown and all(file.whole for file in readable):
        yield _not_listed(question, readable)


def _not_listed(question: Question, readable: Sequence[KeyFileState]) -> Finding:
    count = sum(len(file.keys) for file in readable)
    shown = ", ".join(question.shown[:4])
    path = " and ".join(file.path for file in readable)
    return finding(Cause.KEY_NOT_LISTED, user=question.user, path=path, count=str(count), shown=shown)


def _methods(question: Question, seen: Inside) -> Iterator[Finding]:
    switches = {
        "publickey": "pubkeyauthentication",
        "password": "passwordauthentication",
        "keyboard-interactive": "kbdinteractiveauthentication",
    }
    if not seen.settled:
        return
    off = [switch for method, switch in switches.items() if method in question.methods and seen.setting(switch) == "no"]
    if off and len(off) == len(question.methods):
        reason = ", ".join(f"{switch} no" for switch in off)
        yield finding(Cause.METHOD_OFF, reason=reason, file=seen.config)


# --- what is told beside it --------------------------------------------------------------------------------------


def _unseen(seen: Inside) -> tuple[str, ...]:
    """What may hide a cause, in words."""
    hidden = [f"{what} (not readable as {seen.me or 'this user'})" for what in seen.unseen]
    hidden += [f"{file.path} (not readable)" for file in seen.files if file.state in {"closed", "hidden"}]
    if not seen.log_from and not any("log" in what or "journal" in what for what in seen.unseen):
        hidden.append("the server's log (none was found that may be read)")
    if not seen.root and not seen.settled:
        hidden.append("what the configuration settles for this user (only root may ask: sshd -T)")
    if not seen.complete:
        hidden.append("the rest: the answer was cut short")
    return tuple(dict.fromkeys(hidden))


def _fine(question: Question, seen: Inside) -> Iterator[str]:
    """What was looked at and is in order."""
    if seen.account and seen.shell_there and posixpath.basename(seen.shell) not in _NOLOGIN:
        yield f"the account {question.user} is there, with the shell {seen.shell}"
    listed = [(file, key) for file in seen.files for key in file.keys if key.fingerprint in question.shown]
    yield from (f"the key is in {file.path}, line {key.line}" for file, key in listed)
    shown = [state for state in _checked(seen) if state.mode is not None]
    if shown and not any(state.open_to_others for state in shown):
        yield "no directory on the way to the keys may be written by others"
