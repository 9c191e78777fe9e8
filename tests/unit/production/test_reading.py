"""Which commands a production host need not ask about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.production.reading import only_reads

READS = [
    "uptime",
    "ls -la /srv",
    "cat /etc/hosts | grep web | wc -l",
    "df -h; free -m",
    "true && df -h || false",
    "ps aux --sort=-rss | head -5",
    "systemctl status nginx",
    "sudo systemctl --no-pager status nginx",
    "systemctl list-units --failed",
    "journalctl -u nginx -n 50",
    "docker logs --tail 5 web",
    "find / -name core -type f 2>/dev/null",
    "ls /nowhere >/dev/null 2>&1",
    "ip -br addr",
    "ip route show",
    "date",
    "date -d yesterday +%F",
    "git log --oneline",
    "sed -n 1,20p /etc/passwd",
    "nvidia-smi",
    "nvidia-smi -L",
    "date -u",
    "dmesg -T",
    "hostname -f",
    "cd /srv && ls",
    "echo out; echo err >&2; exit 3",
    "file /bin/sh",
    "ss -tlnp",
    "sort -n sizes | uniq -c",
    "echo 'a > b; rm -r /'",
    "grep 'rm -rf' history",
    "tail -f /var/log/syslog\nuptime",
]
CHANGES = [
    "",
    "  ",
    "rm -rf /srv/app",
    "systemctl restart nginx",
    "sudo reboot",
    "sudo -u app sh",
    "echo x > /etc/motd",
    "echo x >> notes",
    "cat <(rm x)",
    "cat $(rm x)",
    "cat `rm x`",
    "ls ${x:=$(rm y)}",
    "ls; rm x",
    "ls && rm x",
    "ls | xargs rm",
    "ls | sh",
    "ls\nrm x",
    "ls & rm x",
    "(rm x)",
    "{ rm x; }",
    "! rm x",
    "if true; then rm x; fi",
    "PATH=/tmp ls",
    "/tmp/ls",
    "find . -delete",
    "find . -exec rm {} +",
    "sort -o out in",
    "uniq in out",
    "date -s 12:00",
    "date 11261200",
    "hostname other",
    "ip addr add 10.0.0.1 dev eth0",
    "ip link set eth0 down",
    "journalctl --vacuum-size=1M",
    "dmesg -C",
    "git checkout main",
    "kubectl delete pod x",
    "docker run x",
    "crontab -r",
    "sed -i s/a/b/ file",
    "sed -n 'w out' file",
    "tee out",
    "mount /dev/sda1",
    "env rm x",
    "ls 'unfinished",
    "ls > /dev/nullx",
    "ls 2>/dev/null>x",
    "cat < in",
    "dd if=/dev/zero of=/dev/sda",
    "python3 -c pass",
    "sort -ro out in",
    "ss -tK dst 10.0.0.1",
    "date -us 12:00",
    "git log --output=x",
    "ip -batch file",
    "hostname -F file",
    "journalctl --cursor-file=x",
    "nvidia-smi -q -f out",
    "sed -n 1p -i file",
    "dmesg -TC",
    "file -C -m magic",
    "apt install x",
]


@pytest.mark.parametrize("command", READS)
def test_what_only_looks_is_free(command: str) -> None:
    assert only_reads(command.encode())


@pytest.mark.parametrize("command", CHANGES)
def test_what_may_change_something_is_asked_about(command: str) -> None:
    assert not only_reads(command.encode())


def test_what_is_not_text_is_asked_about() -> None:
    assert not only_reads(b"ls \xff")


@given(st.sampled_from(READS), st.sampled_from([";", "&&", "||", "|", "\n", "&", ";\n"]), st.sampled_from(CHANGES[2:5]))
def test_no_connector_hides_a_change(reads: str, connector: str, changes: str) -> None:
    assert not only_reads(f"{reads}{connector}{changes}".encode())
    assert not only_reads(f"{changes}{connector}{reads}".encode())


@given(st.binary(max_size=60))
def test_anything_has_an_answer(command: bytes) -> None:
    only_reads(command)
    assert not only_reads(command + b"\nrm x")
