"""The POSIX script that looks into a host: everything in one exec. Text only; `parts` reads what it prints.

Each line begins with a word that says what it is about, so that what login files print, and what comes late, is taken
for nothing else. What may hang (df on a network file system that is gone, systemctl without its bus, a broken GPU) runs
beside the rest and is given up after a few seconds; a process that no signal ends is left behind, and said. Nothing is
written on the host. Linux, with GNU tools or busybox, tells most; BSD and macOS what they know.
"""

from __future__ import annotations

VERSION = "1"
PATIENCE = 6
"""Seconds, about, for what may hang. Ours for the whole is longer: `service.LIMIT`."""
MOST_LOCAL, MOST_NETWORK = 48, 8
"""Mounts that are asked about."""

PSEUDO = (
    *("proc", "sysfs", "devtmpfs", "devpts", "devfs", "cgroup", "cgroup2", "pstore", "bpf", "tracefs", "debugfs"),
    *("securityfs", "configfs", "fusectl", "hugetlbfs", "mqueue", "autofs", "binfmt_misc", "rpc_pipefs", "nsfs"),
    *("efivarfs", "selinuxfs", "ramfs", "rootfs", "squashfs", "iso9660", "udf", "erofs", "linprocfs", "fdescfs"),
    *("fuse.gvfsd-fuse", "fuse.lxcfs", "fuse.portal", "fuse.snapfuse", "fuse.squashfuse"),
)
"""File systems that hold nothing that could fill, or are always full."""
NETWORK = (
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "glusterfs", "lustre", "beegfs", "gpfs"),
    *("ncpfs", "coda", "ocfs2", "gfs2", "davfs", "virtiofs", "fuse.*", "webdav", "afpfs"),
)
"""File systems that may hang: each is asked about by itself."""
HIDDEN = (
    *("/proc/*", "/sys/*", "/dev/*", "/run/user/*", "/run/lock", "/run/credentials/*", "/run/netns*", "/snap/*"),
    *("/var/snap/*", "/var/lib/docker/*", "/var/lib/containers/*", "/run/containerd/*", "/var/lib/kubelet/*"),
    *("/var/lib/lxcfs", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts", "/run/snapd/*"),
)
"""Where what is mounted belongs to something else that minds it."""

_BODY = r"""
LC_ALL=C; export LC_ALL
echo "deep @version@"
date "+clock %s.%N"
here() { [ -r "$1" ] && sed "s/^/$2 /" <"$1" 2>/dev/null; }
# What may hang, beside the rest; its own lines tell that it is done.
beside() {
  name=$1; shift
  { "$@"; printf 'done %s\n' "$name"; } </dev/null 2>/dev/null &
  pids="$pids $!"
}
limit=
timeout -s KILL 5 true 2>/dev/null && limit="timeout -s KILL @patience@"
disks() { { $limit df -P -k "$@"; echo "status $?"; } | cut -b 1-400 | sed 's/^/disk /'; }
nodes() { { $limit df -P -i "$@"; echo "status $?"; } | cut -b 1-400 | sed 's/^/inode /'; }
units() {
  $limit systemctl --no-ask-password --no-pager --plain --no-legend --full --all --state=failed list-units >&3 &&
    echo "units told"
}
cards() {
  $limit nvidia-smi --query-gpu=index,name,memory.used,memory.total,utilization.gpu,temperature.gpu \
    --format=csv,noheader,nounits | head -n 32 | cut -b 1-200 | sed 's/^/gpu /'
}
kills() { { dmesg || $limit journalctl -k -b -o short-monotonic --no-pager -n 2000 -q; } | grep -i 'killed process' |
  tail -n 3 | cut -b 1-300 | sed 's/^/oom /'; }
tally() { { ps -A -o stat= || ps -o stat; } | awk '/^[A-Z]/ && !/^STAT/ { n++ } /^Z/ { z++ } /^[DU]/ { d++ }
  END { print "tasks", n + 0, z + 0, d + 0 }'; }
failed() { units 3>&1 | head -n 200 | cut -b 1-200 | sed 's/^/unit /'; }
pids=
echo "system $(uname -s 2>/dev/null) $(uname -r 2>/dev/null)"
if [ -r /proc/self/mounts ]; then
  set --
  local=0 network=0 skipped=0
  while read -r device dir type options rest; do
    case $type in @pseudo@) continue ;; esac
    case $dir in @hidden@) continue ;; esac
    printf 'mount %s\n' "$device $dir $type $options" | cut -b 1-600
    told=$dir
    case $dir in *\\*) dir=$(printf '%b' "$dir") ;; esac
    case $type in
      @network@)
        network=$((network + 1))
        if [ $network -le @most_network@ ]; then beside "df $told" disks "$dir"; beside "df-i $told" nodes "$dir"
        else skipped=$((skipped + 1)); fi ;;
      *)
        local=$((local + 1))
        if [ $local -le @most_local@ ]; then set -- "$@" "$dir"; else skipped=$((skipped + 1)); fi ;;
    esac
  done </proc/self/mounts
  [ $skipped -gt 0 ] && echo "skipped $skipped"
  if [ $# -gt 0 ]; then beside df disks "$@"; beside df-i nodes "$@"; fi
  [ -r /etc/fstab ] && sed -n 's/^[^#[:space:]][^[:space:]]*[[:space:]]/fstab &/p' </etc/fstab | head -n 200
else
  mount 2>/dev/null | head -n 200 | cut -b 1-400 | sed 's/^/bsdmount /'
  beside df disks
  beside df-i nodes
fi
if [ -d /run/systemd/system ]; then echo "systemd yes"; beside units failed; else echo "systemd no"; fi
command -v nvidia-smi >/dev/null 2>&1 && beside gpu cards
beside oom kills
beside tasks tally
here /proc/loadavg load
grep -E '^(Mem(Total|Free|Available)|Buffers|Cached|Swap(Total|Free)):' /proc/meminfo 2>/dev/null | sed 's/^/mem /'
for one in cpu io memory; do here /proc/pressure/$one "pressure $one"; done
here /proc/uptime up
here /proc/sys/kernel/random/boot_id boot
here /proc/net/sockstat socket
here /proc/net/sockstat6 socket
here /proc/sys/net/netfilter/nf_conntrack_count conntrack
here /proc/sys/net/netfilter/nf_conntrack_max conntrack_max
here /proc/sys/fs/file-nr file_nr
[ -r /proc/vmstat ] && sed -n 's/^oom_kill /oom_kill /p' </proc/vmstat
echo "cpus $(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null)"
if [ ! -r /proc/loadavg ]; then
  echo "load $(sysctl -n vm.loadavg 2>/dev/null | tr -d '{}')"
  echo "boottime $(sysctl -n kern.boottime 2>/dev/null)"
  echo "physmem $(sysctl -n hw.memsize 2>/dev/null || sysctl -n hw.physmem 2>/dev/null)"
  echo "pagesize $(sysctl -n hw.pagesize 2>/dev/null)"
  for one in free inactive; do echo "pages $one $(sysctl -n vm.stats.vm.v_${one}_count 2>/dev/null)"; done
  vm_stat 2>/dev/null | head -n 40 | sed 's/^/vm_stat /'
  echo "swapusage $(sysctl -n vm.swapusage 2>/dev/null)"
fi
for one in /run/reboot-required /var/run/reboot-required; do
  [ -f "$one" ] && { echo "reboot yes"; here "$one.pkgs" reboot_for | head -n 20; break; }
done
if [ -d /etc/apt ]; then echo "reboot known"; fi
for one in /etc/ssh/*-cert.pub; do
  [ -r "$one" ] && [ -f "$one" ] && { printf 'cert '; head -n 1 "$one" | cut -b 1-8000; }
done
echo "part first"
left=@tenths@
while [ $left -gt 0 ]; do
  busy=
  for one in $pids; do kill -0 "$one" 2>/dev/null && busy="$busy $one"; done
  [ -z "$busy" ] && break
  sleep 0.1 2>/dev/null || { sleep 1; left=$((left - 9)); }
  left=$((left - 1))
done
for one in $busy; do kill -9 "$one" 2>/dev/null; done
echo "end"
"""


def deep_script() -> bytes:
    """The whole of it, to be fed to `sh -s`."""
    body = _BODY
    for name, value in {
        "version": VERSION,
        "pseudo": "|".join(PSEUDO),
        "network": "|".join(NETWORK),
        "hidden": "|".join(HIDDEN),
        "most_local": str(MOST_LOCAL),
        "most_network": str(MOST_NETWORK),
        "patience": str(PATIENCE - 1),
        "tenths": str(PATIENCE * 10),
    }.items():
        body = body.replace(f"@{name}@", value)
    return f"{{ set -- fairlead deep check\nshift 3\n{body}}} </dev/null\n".encode()
