"""What is asked about before it runs: what may wreck a host, under any spelling; and what is not, for all its looks."""

from __future__ import annotations

import pytest

from backend.commands.hints import may_be_dangerous
from backend.commands.policy.dangers import dangers
from backend.commands.values import CommandSpec

DANGEROUS = (
    "rm -rf /", "rm -fr /*", "rm -r -f /", "rm --recursive /etc", "rm -R ~", "rm -rf ~me/", 'rm -rf "$X"/', "rm -rf $X",
    "rm -rf $X/*", "rm -rf //", "rm -rf /usr/", "rm -rf /./", "rm --no-preserve-root -rf x", "ls; rm -rf /",
    "$(rm -rf /)", "sudo rm -rf /", "env X=1 rm -rf /", "sh -c 'rm -rf /'", "r\\m -rf /", "'rm' -rf /",
    "case x in x) rm -rf /;; esac", "f() { rm -rf /; }; f", "dd if=x of=/dev/sda", "dd of=/dev/nvme0n1",
    "mkfs /dev/sdb",
    "mkfs.ext4 -F /dev/sdb1", "cat x > /dev/sda", "tee /dev/sda", "shutdown -h now", "reboot", "sudo reboot",
    "poweroff",
    "init 6", "systemctl reboot", "systemctl stop sshd", "systemctl disable --now ssh.service", "service ssh stop",
    ":(){ :|:& };:", "bomb() { bomb | bomb & }; bomb", "iptables -F", "iptables --flush", "iptables -P INPUT DROP",
    "nft flush ruleset", "ufw reset", "chmod -R 777 /", "chown -R me /etc", "find / -delete", "mv /etc /tmp",
    "crontab -r", "kill -9 -1", "wipefs -a /dev/sda", "ip link set eth0 down", "echo b > /proc/sysrq-trigger",
    "cryptsetup luksFormat /dev/sda", "timeout 5 reboot", "nohup sh -c 'sleep 5; reboot' &", "if true; then reboot; fi",
)  # fmt: skip
HARMLESS = (
    "rm -rf build", "rm -rf ./build/*", "rm x", "rm /etc/x", "rm -rf /var/tmp/x", "rm -rf ~/build", "rm -rf build/$X",
    "dd if=/dev/zero of=/dev/null count=1", "dd if=/dev/sda of=image", "echo reboot", "echo 'rm -rf /'", "grep -r rm /",
    "ls /dev/sda", "cat /dev/sda", "echo > /dev/null", "systemctl restart nginx", "systemctl status sshd",
    "last reboot",
    "shutdown -c", "fdisk -l", "iptables -L", "ip addr", "find / -name x", "chmod 644 /etc/x", "kill -9 123", "mv a b",
    "crontab -l", "uptime", "man rm",
)  # fmt: skip


@pytest.mark.parametrize("command", DANGEROUS)
def test_what_may_wreck_a_host_is_named(command: str) -> None:
    assert may_be_dangerous(CommandSpec(command.encode()))
    assert dangers(command.encode())


@pytest.mark.parametrize("command", HARMLESS)
def test_what_does_not_is_not_asked_about(command: str) -> None:
    assert dangers(command.encode()) == ()


def test_the_part_that_is_meant_is_named() -> None:
    (danger,) = dangers(b"cd /srv && make && sudo rm -rf /usr && echo done")
    assert danger == "'rm -rf /usr' removes all of /usr"
