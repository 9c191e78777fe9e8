"""A quick look at a command: whether `backend.commands.policy.dangers` has anything to look at closely. Pure.

Nearly all commands are harmless at first sight, and need not wait for a shell's grammar to be loaded.
"""

from __future__ import annotations

import re

from backend.commands.values import CommandSpec

_HINTS = re.compile(
    rb"\b(?:rm|dd|find|shred|wipefs|blkdiscard|mk(?:fs|swap)|mke2fs|shutdown|reboot|halt|poweroff|init|telinit|systemctl"
    rb"|service|iptables|ip6tables|nft|ufw|ch(?:mod|own|grp)|crontab|ip|if(?:down|config)|kill|killall5|userdel"
    rb"|[lvp]vremove|[vp]gremove|zpool|zfs|cryptsetup|mdadm|[sc]?fdisk|s?gdisk|parted|truncate|mv|nmcli|firewall-cmd)\b"
    rb"|/dev/|sysrq|\(\)\s*\{"
)
_QUOTES = re.compile(rb"['\"\\]")


def may_be_dangerous(spec: CommandSpec) -> bool:
    """Whether a word stands in it that dangerous commands have, however it is quoted."""
    return any(_HINTS.search(_QUOTES.sub(b"", text)) for text in spec.judged or (spec.command,))
