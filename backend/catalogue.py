"""The catalogue of failures: for each stable code its category, its sentence, what to do, and whether a repeat may help.

Pure data. Errors draw their advice from here, and so do the ladder and the documentation, so that they cannot differ.
Templates name `{host}`, `{hop}` and keys of the error's evidence.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from backend.dataclass import dataclass


class Category(StrEnum):
    """What kind of thing went wrong."""

    CONFIG = "config"
    NAME = "name"
    NETWORK = "network"
    PROTOCOL = "protocol"
    HOST_KEY = "host_key"
    AUTH = "auth"
    SESSION = "session"
    LINK = "link"
    FILES = "files"
    LOCAL = "local"
    LIMIT = "limit"
    INTERNAL = "internal"


class Code(StrEnum):
    """The stable name of a cause. Scripts and documentation rely on these: never renamed, never reused."""

    CONFIG_INVALID = "CONFIG_INVALID"
    USAGE = "USAGE"
    HOST_UNKNOWN = "HOST_UNKNOWN"
    ROUTE_UNSUPPORTED = "ROUTE_UNSUPPORTED"
    ROUTE_UNKNOWN = "ROUTE_UNKNOWN"
    ROUTES_FAILED = "ROUTES_FAILED"
    PROXY_UNREACHABLE = "PROXY_UNREACHABLE"
    PROXY_REFUSED = "PROXY_REFUSED"
    PROXY_PROTOCOL = "PROXY_PROTOCOL"
    PROXY_AUTH = "PROXY_AUTH"
    PROXY_COMMAND_MISSING = "PROXY_COMMAND_MISSING"
    PROXY_COMMAND_FAILED = "PROXY_COMMAND_FAILED"
    TAILSCALE_MISSING = "TAILSCALE_MISSING"
    TAILSCALE_DOWN = "TAILSCALE_DOWN"
    TAILSCALE_LOGGED_OUT = "TAILSCALE_LOGGED_OUT"
    TAILSCALE_PEER_OFFLINE = "TAILSCALE_PEER_OFFLINE"
    CLOUDFLARED_MISSING = "CLOUDFLARED_MISSING"
    CLOUDFLARE_LOGIN = "CLOUDFLARE_LOGIN"
    CLOUDFLARE_FAILED = "CLOUDFLARE_FAILED"
    NAME_NOT_FOUND = "NAME_NOT_FOUND"
    RESOLVER_DOWN = "RESOLVER_DOWN"
    TCP_REFUSED = "TCP_REFUSED"
    TCP_TIMEOUT = "TCP_TIMEOUT"
    TCP_UNREACHABLE = "TCP_UNREACHABLE"
    BANNER_SILENT = "BANNER_SILENT"
    BANNER_NOT_SSH = "BANNER_NOT_SSH"
    BANNER_CLOSED = "BANNER_CLOSED"
    SERVER_CROWDED = "SERVER_CROWDED"
    SHUT_OUT = "SHUT_OUT"
    KEX_NO_MATCH = "KEX_NO_MATCH"
    KEX_FAILED = "KEX_FAILED"
    HOST_KEY_UNKNOWN = "HOST_KEY_UNKNOWN"
    HOST_KEY_CHANGED = "HOST_KEY_CHANGED"
    HOST_KEY_REVOKED = "HOST_KEY_REVOKED"
    HOST_KEY_UNREADABLE = "HOST_KEY_UNREADABLE"
    AUTH_DENIED = "AUTH_DENIED"
    AUTH_NO_METHOD = "AUTH_NO_METHOD"
    AUTH_TOO_MANY = "AUTH_TOO_MANY"
    AUTH_KEY_MISSING = "AUTH_KEY_MISSING"
    AUTH_KEY_UNREADABLE = "AUTH_KEY_UNREADABLE"
    AUTH_KEY_PERMISSIONS = "AUTH_KEY_PERMISSIONS"
    AUTH_AGENT_REFUSED = "AUTH_AGENT_REFUSED"
    AUTH_CERTIFICATE = "AUTH_CERTIFICATE"
    AUTH_PASSPHRASE = "AUTH_PASSPHRASE"
    AUTH_TIMEOUT = "AUTH_TIMEOUT"
    AUTH_PASSWORD_EXPIRED = "AUTH_PASSWORD_EXPIRED"
    AUTH_ENDLESS = "AUTH_ENDLESS"
    LOGIN_HELD_BACK = "LOGIN_HELD_BACK"
    JUMP_FAILED = "JUMP_FAILED"
    FORWARD_PROHIBITED = "FORWARD_PROHIBITED"
    LISTEN_PROHIBITED = "LISTEN_PROHIBITED"
    LISTEN_FAILED = "LISTEN_FAILED"
    LOCAL_PORT = "LOCAL_PORT"
    SESSION_REFUSED = "SESSION_REFUSED"
    NO_ANSWER = "NO_ANSWER"
    SHELL_NOISE = "SHELL_NOISE"
    SFTP_UNAVAILABLE = "SFTP_UNAVAILABLE"
    SLOW_LINK = "SLOW_LINK"
    CLOCK_DIFFERS = "CLOCK_DIFFERS"
    CONNECTION_LOST = "CONNECTION_LOST"
    KEEPALIVE_LOST = "KEEPALIVE_LOST"
    SERVER_ENDED = "SERVER_ENDED"
    NOT_FOUND = "NOT_FOUND"
    PERMISSION = "PERMISSION"
    SUDO_REFUSED = "SUDO_REFUSED"
    SUDO_PASSWORD = "SUDO_PASSWORD"
    JOB_UNKNOWN = "JOB_UNKNOWN"
    JOB_FAILED = "JOB_FAILED"
    JOB_RUNNING = "JOB_RUNNING"
    JOB_NOT_STOPPED = "JOB_NOT_STOPPED"
    PROCESS_GONE = "PROCESS_GONE"
    PROCESS_REFUSED = "PROCESS_REFUSED"
    MODULES_ABSENT = "MODULES_ABSENT"
    MODULE_UNKNOWN = "MODULE_UNKNOWN"
    MODULE_FAILED = "MODULE_FAILED"
    SHELL_GONE = "SHELL_GONE"
    SLURM_ABSENT = "SLURM_ABSENT"
    SLURM_UNCONFIGURED = "SLURM_UNCONFIGURED"
    SLURM_SILENT = "SLURM_SILENT"
    SLURM_REFUSED = "SLURM_REFUSED"
    SLURM_JOB_UNKNOWN = "SLURM_JOB_UNKNOWN"
    SU_REFUSED = "SU_REFUSED"
    SU_PASSWORD = "SU_PASSWORD"
    CHECK_FAILED = "CHECK_FAILED"
    READ_ONLY = "READ_ONLY"
    DISK_FULL = "DISK_FULL"
    SPACE_LOW = "SPACE_LOW"
    QUOTA = "QUOTA"
    EXISTS = "EXISTS"
    IS_DIRECTORY = "IS_DIRECTORY"
    NOT_DIRECTORY = "NOT_DIRECTORY"
    NOT_EMPTY = "NOT_EMPTY"
    NAME_INVALID = "NAME_INVALID"
    OUTSIDE_ROOT = "OUTSIDE_ROOT"
    FILE_FAILED = "FILE_FAILED"
    FILES_SILENT = "FILES_SILENT"
    SOURCE_CHANGED = "SOURCE_CHANGED"
    CHECKSUM_DIFFERS = "CHECKSUM_DIFFERS"
    IN_USE = "IN_USE"
    SOME_FAILED = "SOME_FAILED"
    DELETE_LIMIT = "DELETE_LIMIT"
    STILL_DIFFERS = "STILL_DIFFERS"
    QUEUE_FULL = "QUEUE_FULL"
    TIME_LIMIT = "TIME_LIMIT"
    INTERRUPTED = "INTERRUPTED"
    NEEDS_PERSON = "NEEDS_PERSON"
    DECLINED = "DECLINED"
    PRODUCTION_HOST = "PRODUCTION_HOST"
    COMMAND_DENIED = "COMMAND_DENIED"
    COMMAND_DANGEROUS = "COMMAND_DANGEROUS"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Advice:
    """One next step."""

    text: str
    """What to do, as a sentence."""
    command: str | None = None
    """A command line that does it, where there is one."""
    apply: str | None = None
    """The remedy that does it from within the program (`backend.diagnostics.remedies`), where there is one."""

    def to_json(self) -> dict[str, Any]:
        """As scripts read it; `apply` is what `fairlead diagnose --apply` takes, and is there only where it does."""
        told: dict[str, Any] = {"text": self.text, "command": self.command}
        return told if self.apply is None else {**told, "apply": self.apply}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known about one cause."""

    category: Category
    sentence: str
    advice: tuple[Advice, ...]
    retryable: bool = False


def _entry(category: Category, sentence: str, *advice: str | tuple[str, str], retryable: bool = False) -> Entry:
    steps = tuple(Advice(item) if isinstance(item, str) else Advice(*item) for item in advice)
    return Entry(category, sentence, steps, retryable)


CATALOGUE: dict[Code, Entry] = {
    Code.CONFIG_INVALID: _entry(
        Category.CONFIG,
        "The configuration cannot be used: {problem}",
        ("Mend the entry, then check the file.", "fairlead config check"),
    ),
    Code.USAGE: _entry(Category.CONFIG, "The command line cannot be used: {problem}", "See `fairlead --help`."),
    Code.HOST_UNKNOWN: _entry(
        Category.CONFIG,
        "There is no host called {host}.",
        ("See which hosts are known.", "fairlead hosts list"),
        "A host that is in no file can be given as user@address:port.",
    ),
    Code.ROUTE_UNSUPPORTED: _entry(
        Category.CONFIG,
        "{host} is reached in a way that Fairlead does not speak: {route}",
        "Use a jump host (ProxyJump), a proxy command that carries the bytes itself, or a direct address for this host.",
    ),
    Code.ROUTE_UNKNOWN: _entry(
        Category.CONFIG,
        "{host} has no route called {route}; it has: {routes}",
        ("See the host's routes.", "fairlead hosts show {host}"),
    ),
    Code.ROUTES_FAILED: _entry(
        Category.NETWORK,
        "No route to {host} works. {reason}",
        ("Look at one route by itself.", "fairlead diagnose {host} --route {route}"),
        retryable=True,
    ),
    Code.PROXY_UNREACHABLE: _entry(
        Category.NETWORK,
        "The proxy {proxy} cannot be reached: {reason}",
        "Check the proxy's address and port, and whether this network is the one that it belongs to.",
        retryable=True,
    ),
    Code.PROXY_REFUSED: _entry(
        Category.NETWORK,
        "The proxy {proxy} did not connect to {address} port {port}: {reason}",
        "Many proxies allow port 443 only: ask whoever runs it whether SSH may pass, and under which address the host is known there.",
        retryable=True,
    ),
    Code.PROXY_PROTOCOL: _entry(
        Category.PROTOCOL,
        "What answers at {proxy} is not a proxy of that kind: {reason}",
        "Check the port and the kind: socks5://, http:// (plain, with CONNECT) or https:// (the same inside TLS).",
    ),
    Code.PROXY_AUTH: _entry(
        Category.AUTH,
        "The proxy {proxy} did not accept the login: {reason}",
        "Write the user name into the proxy's address, as socks5://NAME@proxy:1080; the password is asked for.",
    ),
    Code.PROXY_COMMAND_MISSING: _entry(
        Category.CONFIG,
        "The proxy command of {host} cannot be run: {reason}",
        "Check that its program is installed and on the PATH. The command was: {command}",
    ),
    Code.PROXY_COMMAND_FAILED: _entry(
        Category.NETWORK,
        "The proxy command of {host} ended before there was a connection: {reason}",
        "It wrote: {said}",
        "Run it by hand in a terminal; an SSH server's first line, SSH-2.0-…, should appear: {command}",
        retryable=True,
    ),
    Code.TAILSCALE_MISSING: _entry(
        Category.NETWORK,
        "{address} cannot be reached over Tailscale, and no tailscale program is found on this machine.",
        "Install Tailscale from https://tailscale.com/download and log in with: tailscale up",
    ),
    Code.TAILSCALE_DOWN: _entry(
        Category.NETWORK,
        "Tailscale is not running on this machine: {reason}",
        ("Start it.", "tailscale up"),
        retryable=True,
    ),
    Code.TAILSCALE_LOGGED_OUT: _entry(
        Category.NETWORK,
        "Tailscale on this machine is logged out: {reason}",
        ("Log in.", "tailscale up"),
    ),
    Code.TAILSCALE_PEER_OFFLINE: _entry(
        Category.NETWORK,
        "Tailscale runs here, and {address} is not online in it: {reason}",
        ("See what Tailscale knows.", "tailscale status"),
        "Start the machine, or Tailscale on it.",
        retryable=True,
    ),
    Code.CLOUDFLARED_MISSING: _entry(
        Category.CONFIG,
        "{host} is behind Cloudflare Access, and the program cloudflared is not on the PATH.",
        "Install it: https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/downloads/",
        "On macOS: brew install cloudflared. On Debian and Ubuntu, from Cloudflare's repository: apt install cloudflared",
    ),
    Code.CLOUDFLARE_LOGIN: _entry(
        Category.NETWORK,
        "Cloudflare Access wants a login for {host}: {reason}",
        ("Log in once with a browser.", "cloudflared access login {address}"),
        "Programs log in with a service token: set TUNNEL_SERVICE_TOKEN_ID and TUNNEL_SERVICE_TOKEN_SECRET in the environment.",
    ),
    Code.CLOUDFLARE_FAILED: _entry(
        Category.NETWORK,
        "cloudflared did not reach {host}: {reason}",
        "It wrote: {said}",
        "Check that the tunnel on the host's side runs, and that the host name is that of its SSH application.",
        retryable=True,
    ),
    Code.NAME_NOT_FOUND: _entry(
        Category.NAME,
        "The name {address} has no address.",
        "Check the spelling of the address in the host's entry.",
        ("Ask the resolver yourself.", "getent hosts {address}"),
        "If the name belongs to a private network, connect to its VPN first, or go through a jump host.",
        retryable=True,
    ),
    Code.RESOLVER_DOWN: _entry(
        Category.NAME,
        "Nobody could be asked for the address of {address}: {reason}",
        "Check this machine's own network first: Wi-Fi, cable, VPN. Names of the whole internet fail like this, too.",
        ("See which resolvers this machine asks.", "cat /etc/resolv.conf"),
        "If you know the numeric address, it needs no resolver: write it into the host's entry.",
        retryable=True,
    ),
    Code.TCP_REFUSED: _entry(
        Category.NETWORK,
        "{address} port {port} refused the connection: nothing listens on that port, or a firewall turns this address away.",
        "Check the port: SSH may listen on another one.",
        "On the machine's console, see whether the SSH server runs: systemctl status ssh",
        "If logins from here failed before, this address may be banned for a while (fail2ban refuses like this): wait ten minutes.",
        retryable=True,
    ),
    Code.TCP_TIMEOUT: _entry(
        Category.NETWORK,
        "No answer from {address} port {port} within {seconds} s: a firewall drops the packets, or the machine is off.",
        "Check that this network may reach the host: VPN, firewall, security group.",
        ("If there is a bastion, go through it.", "fairlead diagnose {host} -J BASTION"),
        retryable=True,
    ),
    Code.TCP_UNREACHABLE: _entry(
        Category.NETWORK,
        "There is no way to {address} from here: {reason}",
        "Check this machine's own network, VPN and default route.",
        retryable=True,
    ),
    Code.BANNER_SILENT: _entry(
        Category.PROTOCOL,
        "{address} port {port} accepted the connection and then said nothing for {seconds} s.",
        "Something in between may hold the connection: a load balancer, a tunnel whose far end is down, an overloaded server.",
        "Check on the machine's console that the SSH server answers: ssh localhost",
        retryable=True,
    ),
    Code.BANNER_NOT_SSH: _entry(
        Category.PROTOCOL,
        "What answers at {address} port {port} is not an SSH server.",
        "Check the port. The answer began with: {banner}",
        "A captive portal or a proxy may have answered in the host's place: open a web page to see.",
    ),
    Code.BANNER_CLOSED: _entry(
        Category.PROTOCOL,
        "{address} port {port} closed the connection before it said that it is an SSH server.",
        "The server may be over its connection limit (MaxStartups), or this address is banned (fail2ban, PerSourcePenalties): wait ten minutes before another try.",
        "It may admit certain addresses only: see hosts.allow, hosts.deny (tcp-wrappers) and the firewall on the machine.",
        retryable=True,
    ),
    Code.SERVER_CROWDED: _entry(
        Category.PROTOCOL,
        "{address} port {port} takes no more connections for now: {banner}",
        "Too many logins are under way at once, perhaps other people's or an attacker's: wait a minute.",
        "If it happens often, ask the administrator to raise MaxStartups or PerSourceMaxStartups in sshd_config.",
        retryable=True,
    ),
    Code.SHUT_OUT: _entry(
        Category.PROTOCOL,
        "{address} port {port} shuts this address out for a while: {banner}",
        "That is a penalty for failed logins or broken connections from this address, or one that shares it (PerSourcePenalties in sshd_config): wait some minutes. Each further try may make it longer.",
        "Make sure of the user name and the key before the next try. Another way in, such as a jump host, is not affected.",
    ),
    Code.KEX_NO_MATCH: _entry(
        Category.PROTOCOL,
        "This program and {host} have no {kind} algorithm in common.",
        "The server offers: {server}",
        "Update the server. For a legacy device only, allow one of its algorithms in this host's entry in ~/.ssh/config.",
    ),
    Code.KEX_FAILED: _entry(
        Category.PROTOCOL,
        "The key exchange with {host} failed: {reason}",
        "If this comes and goes, the path drops large packets: try a smaller MTU.",
        retryable=True,
    ),
    Code.HOST_KEY_UNKNOWN: _entry(
        Category.HOST_KEY,
        "The host key of {host} is not known yet, so it is not trusted.",
        "Compare {fingerprint} with what the host's administrator tells you, then connect and trust it.",
        (
            "Trust a first key without asking (never a changed one).",
            "fairlead diagnose {host} --host-key accept-new",
        ),
    ),
    Code.HOST_KEY_CHANGED: _entry(
        Category.HOST_KEY,
        "The host key of {host} has changed. Somebody may be in between; nothing secret was sent.",
        "Ask the administrator, over another way, whether the machine was reinstalled, and for its fingerprint. It now shows {fingerprint}",
        ("Only then remove the old key, which stands in {where}.", "ssh-keygen -R {name} -f {file}"),
        "Or let the workbench replace it: connect there, type the end of the new fingerprint, and press ctrl+r.",
    ),
    Code.HOST_KEY_REVOKED: _entry(
        Category.HOST_KEY,
        "The host key of {host} is marked as revoked; this server must not be trusted.",
        "It is revoked in {where}. Tell the administrator; do not remove the mark.",
    ),
    Code.HOST_KEY_UNREADABLE: _entry(
        Category.HOST_KEY,
        "The file of known hosts cannot be read, so no host key can be checked: {path}",
        ("Look at the file's owner and mode.", "ls -l {path}"),
    ),
    Code.AUTH_DENIED: _entry(
        Category.AUTH,
        "{host} refused the login of {user}.",
        "Check the user name and the secret. Repeated wrong tries may lock the account or ban this address.",
        "Tried: {tried}. The server still offers: {offered}.",
    ),
    Code.AUTH_NO_METHOD: _entry(
        Category.AUTH,
        "There is no way to log in as {user} on {host} with what is at hand.",
        "The server offers: {offered}. Give it what it asks for: name a key file for this host, or start the agent.",
        ("Name a key.", "fairlead diagnose {host} -i ~/.ssh/KEY"),
    ),
    Code.AUTH_TOO_MANY: _entry(
        Category.AUTH,
        "{host} ended the login after too many tries.",
        "Name the right key for this host and set IdentitiesOnly, so that the agent's other keys are not offered.",
    ),
    Code.AUTH_KEY_MISSING: _entry(
        Category.AUTH,
        "There is no key file {path} on this machine.",
        ("Correct the path where the key is named.", "fairlead hosts show {hop}"),
        "Choose another key; those at hand are listed.",
    ),
    Code.AUTH_KEY_UNREADABLE: _entry(
        Category.AUTH,
        "The key file {path} cannot be used: {reason}",
        ("See what the file holds.", "ssh-keygen -l -f {path}"),
        "Choose another key; those at hand are listed.",
    ),
    Code.AUTH_KEY_PERMISSIONS: _entry(
        Category.AUTH,
        "The key file {path} may be read by others (mode {mode}), so it is not used.",
        ("Make it yours alone.", "chmod 600 {path}"),
    ),
    Code.AUTH_AGENT_REFUSED: _entry(
        Category.AUTH,
        "{host} would take the key {key}, and the agent did not sign with it: {reason}",
        "Try again, and answer what the agent asks: a yes, a PIN, or a touch of the key.",
        ("See whether the agent is locked or has let go of the key.", "ssh-add -l"),
    ),
    Code.AUTH_CERTIFICATE: _entry(
        Category.AUTH,
        "{host} refused the login of {user}: the certificate {path} does not count, {reason}.",
        "Have it signed anew by whoever issues certificates for this host.",
        (
            "See what it says, and compare its dates with this machine's clock and the host's.",
            "ssh-keygen -L -f {path}",
        ),
    ),
    Code.AUTH_PASSPHRASE: _entry(
        Category.AUTH,
        "The passphrase does not open the key file {path}.",
        "Try again, or load the key into the agent once: ssh-add {path}",
    ),
    Code.AUTH_TIMEOUT: _entry(
        Category.AUTH,
        "{host} did not answer the login within {seconds} s.",
        "A slow name lookup or directory service on the server is the usual cause: try again in a minute.",
        retryable=True,
    ),
    Code.AUTH_PASSWORD_EXPIRED: _entry(
        Category.AUTH,
        "The password of {user} on {host} has expired and must be changed.",
        ("Connect on a terminal, without --batch: you are asked for a new one.", "fairlead diagnose {host}"),
        ("Or log in with OpenSSH once and set it there.", "ssh {host}"),
    ),
    Code.AUTH_ENDLESS: _entry(
        Category.AUTH,
        "{host} asks on and on and never decides about the login; it was left.",
        "A server that does this is broken or hostile. Tell its administrator.",
    ),
    Code.LOGIN_HELD_BACK: _entry(
        Category.AUTH,
        "{server} has refused {refusals} logins within {minutes} minutes{whose}; the next one is held back until "
        "{until}, so that the server does not shut this address out.",
        "Make sure of the user name, the key and the password first.",
        ("Log in before then all the same.", "fairlead hosts unlock {target}"),
    ),
    Code.JUMP_FAILED: _entry(
        Category.NETWORK,
        "The jump host {hop} cannot reach {address} port {port}: {reason}",
        "From the jump host, check that the address is right and the port answers.",
        ("Look at the jump host itself.", "fairlead diagnose {hop}"),
        retryable=True,
    ),
    Code.FORWARD_PROHIBITED: _entry(
        Category.SESSION,
        "{hop} does not allow connections to be passed through it.",
        "Its sshd_config says AllowTcpForwarding no, or PermitOpen does not list {address}:{port}. Ask its administrator, or use another jump host.",
    ),
    Code.LISTEN_PROHIBITED: _entry(
        Category.SESSION,
        "{host} does not allow its ports to be opened for a forward ({place}).",
        "Its sshd_config says AllowTcpForwarding no or local, or PermitListen does not list this port; ports below 1024 are root's. Ask its administrator.",
        "A forward from this side may be allowed: -L or -D in place of -R.",
    ),
    Code.LISTEN_FAILED: _entry(
        Category.SESSION,
        "{host} could not open {place} for a forward: {reason}",
        ("See who listens there.", "fairlead run {host} -- ss -ltnp"),
        "After a lost connection the server may hold the port until it has noticed the loss.",
        "Take another port, or 0 for any that is free.",
        retryable=True,
    ),
    Code.LOCAL_PORT: _entry(
        Category.LOCAL,
        "{place} of this machine cannot be listened on: {reason}",
        "Take another port, or 0 for any that is free.",
        ("See who listens there.", "ss -ltnp"),
        retryable=True,
    ),
    Code.SESSION_REFUSED: _entry(
        Category.SESSION,
        "{host} accepted the login and then refused a session: {reason}",
        "The account may have no shell (nologin), a forced command, or too many sessions open (MaxSessions).",
    ),
    Code.NO_ANSWER: _entry(
        Category.SESSION,
        "{host} did not answer within {seconds} s when it was asked for a session.",
        "What was asked for: {remote}. The link: {link}.",
        "Where the link answers late, wait until it has recovered or is given up, then try again.",
        "Where it answers, something on the server hangs: a directory service, PAM, or a home directory on a dead mount.",
        retryable=True,
    ),
    Code.SHELL_NOISE: _entry(
        Category.SESSION,
        "The login files of {user} on {host} print text even for programs; this breaks file transfer.",
        "Printed: {noise}",
        "In ~/.bashrc or ~/.profile on the host, print only in interactive shells: [ -t 1 ] || return",
    ),
    Code.SFTP_UNAVAILABLE: _entry(
        Category.SESSION,
        "{host} offers no SFTP.",
        "On the server, add to sshd_config: Subsystem sftp internal-sftp",
        "Where the account may run commands, its files are reached by those, a little slower.",
    ),
    Code.SLOW_LINK: _entry(
        Category.NETWORK,
        "A round trip to {host} takes {rtt} ms, so that every step is felt.",
        "Check what lies between: VPN, Wi-Fi, mobile network, or a jump host far from both ends.",
        "Whole trees and large files suffer least; many small steps suffer most.",
    ),
    Code.CLOCK_DIFFERS: _entry(
        Category.SESSION,
        "The clock of {host} and this machine's differ by {difference}.",
        ("Compare both with a clock that you trust.", "fairlead run {host} -- date -u"),
        "Let chrony or systemd-timesyncd set the one that is wrong: one-time codes, certificates and comparisons of file times need right clocks.",
    ),
    Code.CONNECTION_LOST: _entry(
        Category.LINK,
        "The connection to {host} was lost.",
        "Copies and forwards go on by themselves when it is back; for anything else, connect again.",
        retryable=True,
    ),
    Code.KEEPALIVE_LOST: _entry(
        Category.LINK,
        "{host} stopped answering; the connection is considered lost.",
        "Check this machine's network: Wi-Fi, VPN, sleep.",
        retryable=True,
    ),
    Code.SERVER_ENDED: _entry(
        Category.LINK,
        "{host} ended the session: {reason}",
        "Connect again. If it ends after the same time each day, the server has an idle or session limit.",
    ),
    Code.NOT_FOUND: _entry(
        Category.FILES,
        "There is no {path}.",
        ("See what is there.", "fairlead ls {host}:{parent}"),
    ),
    Code.PERMISSION: _entry(
        Category.FILES,
        "{path}: permission denied.",
        ("See owner and mode.", "fairlead stat {host}:{path}"),
        "Use a directory that belongs to you, or ask its owner.",
    ),
    Code.SUDO_REFUSED: _entry(
        Category.SESSION,
        "sudo on {host} does not let {user} act as {as}: {reason}",
        ("See what sudo allows.", "fairlead run {host} -- sudo -n -l"),
        "Ask the administrator, or log in as somebody who may.",
    ),
    Code.SUDO_PASSWORD: _entry(
        Category.SESSION,
        "sudo on {host} needs a password for {user}, and none was accepted.",
        "Give the same command again on a terminal and type the password of your account on the host.",
    ),
    Code.JOB_UNKNOWN: _entry(
        Category.SESSION,
        "{host} knows no job {job}.",
        ("See which jobs there are.", "fairlead jobs {host} list"),
    ),
    Code.JOB_FAILED: _entry(
        Category.SESSION,
        "{host} could not do that with its jobs: {reason}",
        ("See whether the host runs commands at all.", "fairlead diagnose --verify {host}"),
    ),
    Code.JOB_RUNNING: _entry(
        Category.SESSION,
        "The job {job} on {host} still runs, so it was not removed.",
        ("Stop it first.", "fairlead jobs {host} stop {job}"),
        "Or give --force, which stops it and then removes it.",
    ),
    Code.JOB_NOT_STOPPED: _entry(
        Category.SESSION,
        "The job {job} on {host} was told to stop, and these processes of it are still there: {processes}",
        ("See whose they are.", "fairlead ps {host} --tree"),
        "Processes of another account (sudo) can be ended by that account only; one in state D waits for the kernel.",
    ),
    Code.PROCESS_GONE: _entry(
        Category.SESSION,
        "Process {pid} on {host} {fate}.",
        ("Look at the processes as they are now.", "fairlead ps {host}"),
    ),
    Code.PROCESS_REFUSED: _entry(
        Category.SESSION,
        "{host} did not let the signal {signal} through to process {pid}: {reason}",
        "It belongs to another account: log in as that one, or as root.",
    ),
    Code.MODULES_ABSENT: _entry(
        Category.SESSION,
        "No environment modules were found on {host}: {reason}",
        "Ask whoever runs the host where Lmod or Environment Modules is; often only compute and login nodes have it.",
        "If a start file of yours defines `module`, move that to ~/.bash_profile or ~/.profile.",
    ),
    Code.MODULE_UNKNOWN: _entry(
        Category.SESSION,
        "{host} has no module called {module}; the command was not run.",
        ("See what there is.", "fairlead modules {host}"),
        (
            "Some modules only show after another one is loaded; Lmod knows which.",
            "fairlead modules {host} explain {module}",
        ),
    ),
    Code.MODULE_FAILED: _entry(
        Category.SESSION,
        "The modules {modules} could not be loaded on {host}; the command was not run. {reason}",
        ("Look at what they need.", "fairlead modules {host} explain {module}"),
        "Leave out those that exclude each other, or name the one first that the others need.",
    ),
    Code.SHELL_GONE: _entry(
        Category.SESSION,
        "The session {name} on {host} is gone, and with it its directory, variables and functions: {reason}",
        "Open it anew (alt+a, on Commands): it begins as a fresh login does.",
    ),
    Code.SLURM_ABSENT: _entry(
        Category.SESSION,
        "Slurm was not found on {host}: there is no squeue on its PATH.",
        "Use the cluster's login node, or put Slurm's programs on the PATH of a login shell there.",
    ),
    Code.SLURM_UNCONFIGURED: _entry(
        Category.SESSION,
        "{host} has Slurm's programs, but belongs to no cluster: they know of no controller to ask.",
        "Use the cluster's login node.",
        "If this is one, its slurm.conf is missing or cannot be read, or lies where only SLURM_CONF finds it: whoever "
        "runs the cluster knows.",
    ),
    Code.SLURM_SILENT: _entry(
        Category.SESSION,
        "Slurm on {host} does not answer.",
        "Its controller is down, starting or very busy. Jobs that run go on; look again in a few minutes.",
        "If it stays so, tell whoever runs the cluster.",
        retryable=True,
    ),
    Code.SLURM_REFUSED: _entry(
        Category.SESSION,
        "Slurm on {host} refused it: {reason}",
        ("See partitions, their limits and the state of their nodes.", "fairlead slurm {host} nodes"),
    ),
    Code.SLURM_JOB_UNKNOWN: _entry(
        Category.SESSION,
        "Slurm on {host} knows no job {job}, or has forgotten it.",
        ("See what is in the queue.", "fairlead slurm {host} queue"),
        "Without accounting, jobs are forgotten a few minutes after their end.",
    ),
    Code.SU_REFUSED: _entry(
        Category.SESSION,
        "su on {host} does not let {user} act as {as}: {reason}",
        "Use sudo where the host has it, or log in as somebody who may.",
        ("See who you are there.", "fairlead run {host} -- id"),
    ),
    Code.SU_PASSWORD: _entry(
        Category.SESSION,
        "su on {host} needs the password of {as}, and none was accepted.",
        "Give the same command again on a terminal and type the password of that user. Where only sudo is set up, use sudo.",
    ),
    Code.CHECK_FAILED: _entry(
        Category.FILES,
        "The check '{command}' does not accept the new {path}; the old one is in place.",
        "Mend what it says, then save again.",
    ),
    Code.READ_ONLY: _entry(
        Category.FILES,
        "The file system of {path} is read-only; nothing can be changed there.",
        ("See what is mounted, and how.", "fairlead run {host} -- findmnt -T {parent}"),
        "A disk with errors is often made read-only by the system: look at its log (dmesg) before mounting it anew.",
    ),
    Code.DISK_FULL: _entry(
        Category.FILES,
        "The disk that holds {path} is full.",
        "Free some space there, then give the same command again: it goes on where it stopped.",
        retryable=True,
    ),
    Code.SPACE_LOW: _entry(
        Category.FILES,
        "Little room is left where {path} lies: {free} of {total}.",
        ("See how full the disks are.", "fairlead run {host} -- df -h"),
        "Remove or move what is not needed before something fails for want of room.",
    ),
    Code.QUOTA: _entry(
        Category.FILES,
        "Your quota on the file system of {path} is used up.",
        "Remove or move files there, then give the same command again: it goes on where it stopped.",
        retryable=True,
    ),
    Code.EXISTS: _entry(Category.FILES, "{path} is there already.", "Choose another name, or remove it first."),
    Code.IS_DIRECTORY: _entry(
        Category.FILES,
        "{path} is a directory.",
        "Name a file, or end the path with a slash to place things inside.",
    ),
    Code.NOT_DIRECTORY: _entry(Category.FILES, "{path} is not a directory.", "Check the path."),
    Code.NOT_EMPTY: _entry(
        Category.FILES,
        "The directory {path} is not empty.",
        "Remove it with its contents: rm -r, after a look inside.",
    ),
    Code.NAME_INVALID: _entry(
        Category.FILES,
        "The name {path} cannot be used: {reason}",
        "Rename it on the side where it is allowed.",
    ),
    Code.OUTSIDE_ROOT: _entry(
        Category.FILES,
        "{path} would lie outside {root}; nothing was written.",
        "A server that sends such names is broken or hostile. Tell its administrator.",
    ),
    Code.FILE_FAILED: _entry(
        Category.FILES,
        "{path}: the server said only: {reason}",
        ("See owner, mode and free space.", "fairlead stat {host}:{path}"),
    ),
    Code.FILES_SILENT: _entry(
        Category.FILES,
        "{path}: {reason}, though the connection to {host} is up.",
        (
            "Its disk may hang, as a network file system does whose server is away. See what is mounted there.",
            "fairlead run {host} -- mount",
        ),
        "Give the same command again when it answers: a copy goes on where it stopped.",
        retryable=True,
    ),
    Code.SOURCE_CHANGED: _entry(
        Category.FILES,
        "{path} changed while it was being copied.",
        "Copy it again when nobody writes to it.",
        retryable=True,
    ),
    Code.CHECKSUM_DIFFERS: _entry(
        Category.FILES,
        "{path}: the two ends differ (SHA-256).",
        "Copy it again. If it differs again, one of the disks or the memory of a machine is failing.",
        retryable=True,
    ),
    Code.IN_USE: _entry(
        Category.FILES,
        "{path} is being written by another transfer.",
        "Wait until that one has ended, or stop it first; then give the same command again.",
        retryable=True,
    ),
    Code.SOME_FAILED: _entry(
        Category.FILES,
        "{failed} of {total} items failed; the rest is done.",
        "Mend what failed, then give the same command again: what is done is not sent twice.",
        retryable=True,
    ),
    Code.DELETE_LIMIT: _entry(
        Category.FILES,
        "{count} names would be deleted and at most {most} may be: none is deleted. What is to be copied is copied all the same.",
        "See what would go: give the command again with --dry-run.",
        "Where that is right, allow it: give the command again with --max-delete {count}.",
    ),
    Code.STILL_DIFFERS: _entry(
        Category.FILES,
        "{count} names differ again after {rounds} rounds: something keeps changing them.",
        "Sync again when nobody writes there.",
        retryable=True,
    ),
    Code.QUEUE_FULL: _entry(
        Category.LIMIT,
        "The queue of {host} takes no more: {waiting} of {most} wait for it, {waiting_in_all} of {most_in_all} in all.",
        ("See what waits.", "fairlead queue list"),
        ("Take out what is no longer needed.", "fairlead queue cancel ID"),
    ),
    Code.TIME_LIMIT: _entry(
        Category.LIMIT,
        "The time limit of {seconds} s was reached.",
        "Give more time with -t. The remote process: {remote}.",
    ),
    Code.INTERRUPTED: _entry(Category.LIMIT, "Stopped.", "Give the same command again to go on."),
    Code.NEEDS_PERSON: _entry(
        Category.LIMIT,
        "{host} asks for {wanted}, and there is nobody to ask.",
        "Run it on a terminal, without --batch, and answer when you are asked. A password, but nothing else, may come "
        "from --password-stdin.",
    ),
    Code.DECLINED: _entry(
        Category.LIMIT,
        "{host} asks for {wanted}, and the question was declined.",
        "Connect again when you have it at hand. Nothing is tried meanwhile.",
    ),
    Code.PRODUCTION_HOST: _entry(
        Category.LIMIT,
        "Nothing was changed: {host} is a production host, and {why}.",
        "Give the same command again, and agree when you are asked; or agree beforehand with --yes.",
    ),
    Code.COMMAND_DENIED: _entry(
        Category.LIMIT,
        "Nothing was run on {host}: '{part}' may not run there: {why}.",
        ("See the lists of commands in your settings.", "fairlead config show"),
        "Give a command that is allowed, or change the list; no flag goes round it.",
    ),
    Code.COMMAND_DANGEROUS: _entry(
        Category.LIMIT,
        "Nothing was run on {host}: {danger}, and {why}.",
        "Give the same command again, and agree when you are asked; or agree beforehand with --yes.",
    ),
    Code.INTERNAL: _entry(
        Category.INTERNAL,
        "Something went wrong inside Fairlead: {reason}",
        "Please report it with what you did just before.",
    ),
}
