"""Answers to the deep check in the format of each system, written after its manual pages; the names say which."""

from __future__ import annotations

UBUNTU = b"""\
Welcome to the machine: deep thoughts are printed by .bashrc
deep 1
clock 1795759900.746676173
system Linux 6.8.0-55-generic
mount /dev/mapper/ubuntu--vg-root / ext4 rw,relatime
mount /dev/sda2 /boot ext4 rw,relatime
mount /dev/sda1 /boot/efi vfat rw,relatime,fmask=0077
mount /dev/sdb1 /srv/my\\040data xfs ro,relatime,attr2
mount tmpfs /run tmpfs rw,nosuid,nodev,noexec,size=401444k
mount nas:/export /mnt/nas nfs4 rw,relatime,vers=4.2
fstab /dev/disk/by-uuid/1 / ext4 defaults 0 1
fstab /dev/sdb1 /srv/my\\040data xfs defaults 0 2
systemd yes
unit   nginx.service loaded failed failed A high performance web server
unit \xe2\x97\x8f snapd.service loaded failed failed Snap Daemon
unit units told
done units
disk Filesystem                        1024-blocks     Used Available Capacity Mounted on
disk /dev/mapper/ubuntu--vg-root        102626232 93000000   4367192      96% /
disk /dev/sda2                            1992552   258280   1613028      14% /boot
disk /dev/sdb1                          209610756 20000000 189610756      10% /srv/my data
disk tmpfs                                 401444     1204    400240       1% /run
disk status 0
done df
inode Filesystem                          Inodes  IUsed    IFree IUse% Mounted on
inode /dev/mapper/ubuntu--vg-root        6553600 6160384   393216   94% /
inode /dev/sda2                           131072    313   130759    1% /boot
inode tmpfs                              2007220    800  2006420    1% /run
inode status 0
done df-i
load 0.71 0.64 0.58 2/312 81234
mem MemTotal:        8014564 kB
mem MemFree:          512000 kB
mem MemAvailable:     300000 kB
mem Buffers:           12000 kB
mem Cached:          1200000 kB
mem SwapTotal:       2097148 kB
mem SwapFree:         600000 kB
oom [3553000.123456] Out of memory: Killed process 4711 (java) total-vm:9000kB, anon-rss:8000kB
done oom
pressure cpu some avg10=3.44 avg60=7.10 avg300=5.95 total=52166533
pressure cpu full avg10=0.00 avg60=0.00 avg300=0.00 total=0
pressure io some avg10=80.17 avg60=81.40 avg300=0.81 total=12071968
pressure memory some avg10=0.00 avg60=0.00 avg300=0.00 total=0
up 3553920.36 7000000.00
boot 6ab343b1-12fd-413d-af27-9adbd0f0a0bb
socket sockets: used 271
socket TCP: inuse 9 orphan 0 tw 2 alloc 11 mem 3
socket UDP: inuse 4 mem 2
socket TCP6: inuse 5
socket UDP6: inuse 3
conntrack 236000
conntrack_max 262144
file_nr 1824\t0\t9223372036854775807
oom_kill 3
cpus 4
reboot yes
reboot_for linux-image-6.8.0-57-generic
reboot_for linux-base
reboot known
gpu 0, NVIDIA H100 PCIe, 70210, 81559, 98, 96
gpu 1, Tesla T4, [N/A], [N/A], 3, 41
part first
tasks 214 2 0
done tasks
end
"""
"""Ubuntu 24.04 with much that is wrong; its network file system does not answer."""

ALPINE = b"""\
deep 1
clock 1795759900
system Linux 6.12.8-0-virt
mount /dev/vda3 / ext4 rw,relatime
systemd no
inode Filesystem           Inodes      Used Available Capacity Mounted on
inode /dev/vda3             65536     12000     53536  18% /
done df-i
disk Filesystem           1024-blocks    Used Available Capacity Mounted on
disk /dev/vda3              1002376    180024    753432  19% /
disk status 0
done df
load 0.00 0.01 0.00 1/74 2412
mem MemTotal:         998432 kB
mem MemFree:          700000 kB
mem MemAvailable:     812000 kB
mem SwapTotal:             0 kB
mem SwapFree:              0 kB
up 86399.10 86000.00
boot 11111111-2222-3333-4444-555555555555
socket sockets: used 40
socket TCP: inuse 3 orphan 0 tw 0 alloc 4 mem 1
file_nr 320\t0\t98123
oom_kill 0
cpus 1
done oom
part first
tasks 48 0 0
done tasks
end
"""
"""Alpine with busybox: no systemd, no PSI, a date without fractions."""

FREEBSD = b"""\
deep 1
clock 1795759900.N
system FreeBSD 14.1-RELEASE
bsdmount zroot/ROOT/default on / (zfs, local, noatime, nfsv4acls)
bsdmount devfs on /dev (devfs)
bsdmount /dev/ada1p1 on /data (ufs, local, read-only, soft-updates)
disk Filesystem         1024-blocks    Used    Avail Capacity  Mounted on
disk zroot/ROOT/default    49152000 9830400 39321600    20%    /
disk devfs                        1       1        0   100%    /dev
disk /dev/ada1p1           10000000 9500000   500000    95%    /data
disk status 0
done df
inode Filesystem         1024-blocks    Used    Avail Capacity  iused    ifree %iused  Mounted on
inode zroot/ROOT/default    49152000 9830400 39321600    20%   150000 78000000    0%   /
inode status 0
done df-i
systemd no
oom_lines nothing
load 0.31 0.28 0.25
cpus 2
boottime { sec = 1795000000, usec = 120000 } Wed Nov 18 11:06:40 2026
physmem 4294967296
pagesize 4096
pages free 200000
pages inactive 300000
swapusage
part first
tasks 61 1 0
done tasks
end
"""
"""FreeBSD 14: df tells kilobytes and inodes in one table, memory comes in pages."""

MACOS = b"""\
deep 1
clock 1795759900.N
system Darwin 24.1.0
bsdmount /dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
bsdmount /dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect, root data)
bsdmount map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
disk Filesystem     1024-blocks      Used Available Capacity  Mounted on
disk /dev/disk3s1s1   482797652  10485760 152043520     7%    /
disk /dev/disk3s5     482797652 310000000 152043520    68%    /System/Volumes/Data
disk status 0
done df
inode Filesystem     1024-blocks      Used Available Capacity iused      ifree %iused  Mounted on
inode /dev/disk3s5     482797652 310000000 152043520    68% 2100000 1520435200    0%   /System/Volumes/Data
done df-i
systemd no
load 2.10 1.90 1.80
cpus 8
boottime { sec = 1795700000, usec = 0 } Thu Nov 26 13:33:20 2026
physmem 17179869184
pagesize 16384
pages free
pages inactive
vm_stat Mach Virtual Memory Statistics: (page size of 16384 bytes)
vm_stat Pages free:                               25000.
vm_stat Pages active:                            400000.
vm_stat Pages inactive:                          390000.
vm_stat Pages speculative:                         5000.
swapusage total = 2048.00M  used = 1024.25M  free = 1023.75M  (encrypted)
tasks 512 0 0
done tasks
end
"""
"""macOS 15."""
