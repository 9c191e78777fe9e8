"""The fields of the form for an own entry, section by section: what each is called and what is said about it."""

from __future__ import annotations

from backend.dataclass import dataclass

Choice = tuple[str, object]
"""A word, and the value it stands for."""

YES_OR_NO: tuple[Choice, ...] = (("not said", None), ("yes", True), ("no", False))
POLICIES: tuple[Choice, ...] = (("not said", ""), ("strict", "strict"), ("ask", "ask"), ("accept-new", "accept-new"))


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form."""

    key: str
    """As in `backend.hosts.draft.FIELDS`."""
    label: str
    hint: str
    """What to write, for who has read nothing before."""
    example: str = ""
    choices: tuple[Choice, ...] = ()
    """The words to choose from, in place of a line to type into."""


@dataclass(frozen=True, slots=True)
class Section:
    """Fields that belong together."""

    title: str
    fields: tuple[Field, ...]
    folds: bool = False
    """Shut until somebody opens it."""
    hint: str = ""
    """What is in it, where it is shut."""


SECTIONS = (
    Section("the host", (
        Field("name", "name", "What you want to call it. The only field that must be filled in.", "cluster"),
        Field("address", "address", "Its DNS name or IP address; left empty, the name itself is looked up. You can also"
              " paste user@address:port.", "login.example.org"),
        Field("user", "user", "Who you are on the host. Left empty: what ~/.ssh/config or the profile says, or your"
              " name here.", "mara"),
        Field("port", "port", "Left empty: 22, or what ~/.ssh/config or the profile says.", "22"),
        Field("jump", "jump hosts", "A bastion on the way: a host you know, or user@address:port; several with commas."
              " Passwords and codes are asked for on the way.", "me@bastion.example.org"),
        Field("identity_files", "keys", "Key files to log in with; several with commas. Left empty: the agent's, the"
              " usual ones, and a password.", "~/.ssh/id_ed25519"),
    )),
    Section("sorting and use", (
        Field("production", "production", "yes: it is marked, and asks before it is changed. space changes it.",
              choices=YES_OR_NO),
        Field("group", "group", "The heading it stands under in the list.", "lab"),
        Field("tags", "tags", "Words to find it by, with commas.", "gpu, a100"),
        Field("note", "note", "A line for people.", "ask Ada before rebooting"),
        Field("profile", "profile", "The [profiles.NAME] of config.toml that fills in what is empty here."),
    )),
    Section("other ways there", (
        Field("ssh_host", "ssh alias", "In place of an address: the Host of ~/.ssh/config that says the rest."),
        Field("tailscale", "tailscale", "Its address or name in your tailnet, tried as another route.", "100.64.0.9"),
        Field("cloudflare", "cloudflare", "Its name in Cloudflare Access; needs the program cloudflared.",
              "gpu.example.com"),
        Field("proxy", "proxy", "A SOCKS5 or HTTP proxy; environment takes what ALL_PROXY says. Its password is asked"
              " for, never written.", "socks5://me@proxy.example.org:1080"),
        Field("proxy_command", "proxy command", "A program whose input and output carry the connection, as ProxyCommand"
              " of ssh; %h and %p stand for host and port.", "relay %h %p"),
        Field("routes", "routes", "Which ways are tried, the first one first. Left empty: all that are filled in."
              " jump:HOST goes through another bastion.", "direct, tailscale, jump:bastion"),
    ), folds=True, hint="tailnet, proxies, and the order in which they are tried"),
    Section("logging in", (
        Field("identities_only", "only these", "yes: of the agent's keys only those that are named here are offered."
              " space changes it.", choices=YES_OR_NO),
        Field("agent", "agent", "no: the SSH agent is left out. space changes it.", choices=YES_OR_NO),
        Field("password", "password", "no: a password is never offered. space changes it.", choices=YES_OR_NO),
        Field("host_key", "host key", "An unknown one: strict refuses, ask shows it to you, accept-new takes it. A"
              " changed one is refused by all of them.", choices=POLICIES),
        Field("known_hosts", "known hosts", "Its key is looked up in this file alone. Left empty: where ssh looks.",
              "~/.ssh/known_hosts_lab"),
        Field("algorithms.kex", "key exchange", "For legacy devices: + and the name of one that is allowed as well."
              " Left empty: safe ones only.", "+diffie-hellman-group14-sha1"),
        Field("algorithms.ciphers", "ciphers", "Likewise, for ciphers.", "+aes256-cbc"),
        Field("algorithms.macs", "MACs", "Likewise, for message authentication.", "+hmac-sha1"),
        Field("algorithms.host_keys", "key types", "Likewise, for the kinds of its host key.", "+ssh-rsa"),
    ), folds=True, hint="agent, password, host key, algorithms"),
    Section("on the host", (
        Field("directory", "directory", "Where commands, shells and files begin; left empty, at home. scratch:run is"
              " below the root scratch.", "~/project"),
        Field("env", "variables", "For commands and shells, with blanks between; what has blanks itself stands in"
              " quotes. The host's process list shows them: no secrets.", 'OMP_NUM_THREADS=8 MODE="very fast"'),
        Field("roots", "roots", "Directories with a name: scratch=/scratch/me makes scratch:data the path data below"
              " it.", "scratch=/scratch/me project=~/tides"),
        Field("modules", "modules", "Environment modules that commands run with; several with commas. @fit is the"
              " set fit of config.toml.", "gcc/13, openmpi"),
        Field("forwards", "forwards", "Ports that are carried, written as ssh's options; several with commas. f on"
              " Connections starts them.", "L 8080:localhost:80, D 1080"),
    ), folds=True, hint="directory, variables, roots, forwards"),
    Section("limits", (
        Field("keepalive.interval", "keepalive", "Seconds of silence before the host is asked for a sign of life. Left"
              " empty: 5.", "5"),
        Field("keepalive.late_after", "late after", "Seconds without an answer until it is shown as late. Left empty:"
              " 3.", "3"),
        Field("keepalive.misses", "lost after", "Questions without an answer until the connection is given up. Left"
              " empty: 5.", "5"),
        Field("idle_close", "idle close", "Seconds without use until it is disconnected. Left empty: never.", "1800"),
        Field("timeouts.connect", "connect", "Seconds for the name and TCP, all addresses together. Left empty: 15.",
              "15"),
        Field("timeouts.first_byte", "first byte", "Seconds from TCP to the server's first word. Left empty: 10.",
              "10"),
        Field("timeouts.key_exchange", "key exchange", "Seconds for the key exchange. Left empty: 20.", "20"),
        Field("timeouts.login", "login", "Seconds between two answers of the server while logging in; the time that you"
              " type does not count. Left empty: 60.", "60"),
        Field("timeouts.channel", "channel", "Seconds for a command or SFTP to open. Left empty: 20.", "20"),
        Field("timeouts.close", "close", "Seconds for a farewell; then the connection is cut. Left empty: 2.", "2"),
    ), folds=True, hint="keepalive, idle close, time limits"),
)  # fmt: skip

ALL = tuple(field for section in SECTIONS for field in section.fields)
BY_KEY = {field.key: field for field in ALL}
