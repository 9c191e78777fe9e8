"""What became of each try of a login, and what that means: evidence for people, and the failure that is true."""

from __future__ import annotations

from collections.abc import Sequence

from backend.connection.credentials import MOST_OFFERS, KeyOffer, KeyProblem
from backend.connection.host_keys import shorten
from backend.connection.retry import SlowLogin, SpentLogin
from backend.connection.target import METHODS, Hop
from backend.connection.vault import Secret
from backend.dataclass import dataclass
from backend.errors import Advice, AuthError, Code, ConnectError
from backend.hosts.options import local_user
from backend.text import clean_line

_MOST_NAMED = 8
"""Keys that were not tried and are named; the rest is counted."""
_CUT_OFF_ADVICE = (
    Advice("Try again; the server may have been restarted, or it drops logins while many are going on (MaxStartups)."),
    Advice("If it happens each time, ask its administrator what its log says about this moment."),
)


@dataclass(slots=True)
class Try:
    """What the server is looking at."""

    method: str
    detail: str = ""
    mark: bytes = b""
    """Which key is shown."""
    outdated: tuple[str, str] | None = None
    """Where a certificate is that is not valid at this time, and why."""
    secret: Secret | None = None
    """The password in it; kept once the server has taken it."""
    new_secret: Secret | None = None
    """The password that is to take its place."""
    by_person: bool = False
    """A person has given something for it."""
    only_now: bool = False
    """Something in it is good for this login alone, as a one-time code."""
    unasked: bool = False
    """The server has been told that it may ask questions, and has asked none."""

    @property
    def repeats(self) -> bool:
        """Whether it can be made again without a person. An exchange without a password was decided by something that
        is not known here, such as a question on somebody's phone."""
        without_password = self.secret is None and self.new_secret is None
        return not self.only_now and not (self.method == "keyboard-interactive" and without_password)

    def wipe(self) -> None:
        for secret in (self.secret, self.new_secret):
            if secret is not None:
                secret.wipe()
        self.secret = self.new_secret = None


class Record:
    """The tries of one login at `hop`."""

    def __init__(self, hop: Hop, *, attended: bool) -> None:
        """`attended`: somebody is there to be asked, so that what is not given was declined."""
        self._hop = hop
        self._attended = attended
        self.current: Try | None = None
        self.accepted: list[Try] = []
        self.refused: list[Try] = []
        self.offered: tuple[str, ...] = ()
        """The methods that may go on."""
        self.left_out: tuple[KeyOffer, ...] = ()
        self.problems: list[KeyProblem] = []
        self.remarks: list[str] = []
        """Certificates that are left out, and why."""
        self.agent_problem = ""
        self._unsigned: dict[str, str] = {}
        """Why the agent did not sign, by the key's fingerprint, where the server would have taken the key."""
        self.expired = ""
        """The server wants a new password, in its own words."""
        self.held_back: AuthError | None = None
        """Why nothing was shown to the server at all."""
        self.endless = False
        """The server asked on and on."""
        self.not_given: list[str] = []
        self._instead: list[Advice] = []
        """What would do in place of what was not given."""

    @property
    def every(self) -> tuple[Try, ...]:
        return (*self.accepted, *self.refused, *([self.current] if self.current else ()))

    @property
    def at_the_limit(self) -> bool:
        """Whether one more refusal may end the login for too many tries, and ban this address."""
        return len(self.refused) >= MOST_OFFERS

    def answered(self, methods: Sequence[str]) -> Try | None:
        """The server refused what it was shown, or took it as one of several; what it refused."""
        self.offered = tuple(methods)
        current, self.current = self.current, None
        if current is None:
            return None
        taken = current.method not in methods
        (self.accepted if taken else self.refused).append(current)
        return None if taken else current

    def succeeded(self) -> None:
        if self.current is not None:
            self.accepted.append(self.current)
            self.current = None

    def unsigned(self, fingerprint: str, reason: str) -> None:
        """The agent did not sign with the key that the server looks at."""
        self.current = None
        self._unsigned[fingerprint] = reason

    def decline(self, what: str, instead: Advice | None = None) -> None:
        """Nobody gave `what`; `instead` would do as well."""
        if what not in self.not_given:
            self.not_given.append(what)
            self._instead += [instead] if instead is not None else []

    @property
    def evidence(self) -> dict[str, str]:
        """What was tried and what the server offers, for people."""
        told = {
            "user": self._hop.user,
            "tried": "; ".join(_told(part) for part in (*self.accepted, *self.refused)) or "nothing",
            "offered": ", ".join(self.offered) or "nothing",
        }
        if refused := sum(1 for part in self.refused if _is_secret(part)):
            told["refused_secrets"] = str(refused)
        if self.left_out:
            told["left_out"] = _not_tried(self.left_out)
        if self.agent_problem:
            told["agent"] = self.agent_problem
        if self._unsigned:
            told["not_signed"] = "; ".join(f"{key}: {reason}" for key, reason in self._unsigned.items())
        if self.not_given:
            told["wanted"] = " and ".join(self.not_given)
        if switched_off := self._switched_off:
            told["switched_off"] = ", ".join(switched_off)
        unusable = [f"{shorten(item.path)}: {item.reason or item.mode or 'not opened'}" for item in self.problems]
        if unusable := [*unusable, *self.remarks]:
            told["unusable"] = "; ".join(unusable)
        return told

    @property
    def _switched_off(self) -> tuple[str, ...]:
        """Methods that the server offers and the person's own configuration does not allow."""
        return tuple(name for name in self.offered if name in METHODS and name not in self._hop.auth_methods)

    def failure(self) -> AuthError:
        """Why nothing logged in, as the most specific code that is true."""
        if self.held_back is not None:
            return self.held_back
        if self.endless:
            return self._error(Code.AUTH_ENDLESS)
        if self.expired:
            return self._error(Code.AUTH_PASSWORD_EXPIRED, reason=self.expired)
        if any(_is_secret(part) for part in self.refused):
            return self._error(Code.AUTH_DENIED)
        for key, reason in self._unsigned.items():
            return self._error(Code.AUTH_AGENT_REFUSED, key=key, reason=reason)
        if problem := self._worst_problem():
            return self._error(problem.code, **problem.evidence)
        for path, reason in (part.outdated for part in self.refused if part.outdated is not None):
            return self._error(Code.AUTH_CERTIFICATE, path=path, reason=reason)
        if self.refused:
            return self._error(Code.AUTH_DENIED)
        if self.not_given:
            return self._error(Code.DECLINED if self._attended else Code.NEEDS_PERSON)
        return self._error(Code.AUTH_NO_METHOD)

    def too_many(self, reason: str) -> AuthError:
        return self._error(Code.AUTH_TOO_MANY, reason=reason)

    def cut_off(self, reason: str) -> ConnectError:
        """The connection went before the server had decided."""
        kind = SpentLogin if any(part.by_person for part in self.every) else ConnectError
        told = f"{self._hop.name} closed the connection before the login was over."
        return kind(
            Code.CONNECTION_LOST,
            told,
            evidence={"reason": reason, "during": "login"},
            host=self._hop.name,
            advice=_CUT_OFF_ADVICE,
        )

    def timed_out(self) -> AuthError:
        """AUTH_TIMEOUT; a SlowLogin where the same attempt may be made again by itself: the server has refused nothing
        and nothing that a person gave went with it."""
        told = {**self.evidence, "seconds": f"{self._hop.timeouts.login:g}"}
        spent = self.refused or any(part.by_person for part in self.every)
        kind = AuthError if spent else SlowLogin
        return kind(Code.AUTH_TIMEOUT, evidence=told, host=self._hop.name)

    def _error(self, code: Code, **more: object) -> AuthError:
        error = AuthError(code, evidence={**self.evidence, **more}, host=self._hop.name)
        before = (*self._more_keys(code), *self._name_of_here(code), *self._switch_on(code))
        after = tuple(self._instead) if code in _NOT_GIVEN else ()
        if not before and not after:
            return error
        steps = (*before, *error.advice, *after)
        return AuthError(code, evidence=error.evidence, host=self._hop.name, advice=steps)

    def _name_of_here(self, code: Code) -> Sequence[Advice]:
        """Where no user is named for a host, this account's name is tried: a jump host often knows another one."""
        if code is not Code.AUTH_DENIED or self._hop.user != local_user():
            return ()
        user, host = clean_line(self._hop.user), clean_line(self._hop.name)
        return (Advice(f"{user} is your name on this machine. If {host} knows you by another, name it: NAME@{host}."),)

    def _more_keys(self, code: Code) -> Sequence[Advice]:
        return (_NAME_THE_KEY,) if self.left_out and code in _ABOUT_KEYS else ()

    def _switch_on(self, code: Code) -> Sequence[Advice]:
        switched_off = self._switched_off
        if code is not Code.AUTH_NO_METHOD or not switched_off:
            return ()
        return (Advice(_SWITCHED_OFF.format(", ".join(switched_off))),)

    def _worst_problem(self) -> KeyProblem | None:
        order = (*(Code.AUTH_PASSPHRASE, Code.AUTH_KEY_PERMISSIONS, Code.AUTH_KEY_UNREADABLE, Code.AUTH_KEY_MISSING),)
        ranked = sorted(self.problems, key=lambda problem: order.index(problem.code))
        return ranked[0] if ranked else None


_NAME_THE_KEY = Advice(
    "Not all keys were tried. Name the one for this host with -i, or with IdentityFile and IdentitiesOnly in "
    "~/.ssh/config; for a key of the agent its public half will do."
)
_SWITCHED_OFF = (
    "This host's entry switches off what the server offers: {}. See PreferredAuthentications, PubkeyAuthentication, "
    "PasswordAuthentication and KbdInteractiveAuthentication in the ssh configuration, and password in an own entry."
)
_NOT_GIVEN = frozenset({Code.NEEDS_PERSON, Code.DECLINED})
_ABOUT_KEYS = frozenset({Code.AUTH_DENIED, Code.AUTH_NO_METHOD, Code.AUTH_TOO_MANY, *_NOT_GIVEN})


def _is_secret(part: Try) -> bool:
    """Whether something was sent that only the user knows."""
    return part.method != "publickey" and not part.unasked


def _told(part: Try) -> str:
    return f"{part.method} {part.detail}".strip()


def _not_tried(offers: Sequence[KeyOffer]) -> str:
    named = ", ".join(clean_line(offer.description) for offer in offers[:_MOST_NAMED])
    more = f" and {len(offers) - _MOST_NAMED} others" if len(offers) > _MOST_NAMED else ""
    return f"{len(offers)} more keys, so as not to be shut out for too many tries: {named}{more}"
