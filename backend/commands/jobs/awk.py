"""The awk(1) programs of the scripts: what one process can read of many files, a shell would start hundreds for.

They run in mawk, gawk, busybox and BSD awk alike. Text only.
"""

from __future__ import annotations

_STAT = rb"""function fields(pid, a,   f, l, t) {
  f = "/proc/" pid "/stat"; t = ""
  while ((getline l < f) > 0) t = t l
  close(f)
  sub(/^.*\) /, "", t)
  return split(t, a, " ")
}
"""
LOOK = (
    _STAT
    + rb"""function first(f,   l) { l = ""; getline l < f; close(f); return l }
function token(pid,   a, l, c) {
  if (proc) return (fields(pid, a) < 22 || a[1] == "Z") ? "" : a[20]
  c = "ps -o lstart= -p " pid " 2>/dev/null"; l = ""; c | getline l; close(c)
  gsub(/ +/, "_", l)
  return l
}
function measure(pid, id,   f, l, w, own) {
  count[id]++; cpu[id] += ticks[pid]; f = "/proc/" pid "/status"
  while ((getline l < f) > 0) {
    split(l, w, /[ \t]+/)
    if (w[1] == "VmRSS:") rss[id] += w[2]
    if (w[1] == "VmHWM:") high[id] += w[2]
  }
  close(f)
  if (!deep) return
  f = "/proc/" pid "/smaps_rollup"; own = -1
  while ((getline l < f) > 0) if (l ~ /^Pss:/) { split(l, w, /[ \t]+/); own = w[2] }
  close(f)
  if (own < 0) dark[id]++; else pss[id] += own
}
BEGIN {
  for (i = 1; i < ARGC; i++) {
    id = ARGV[i]; print "job " id
    f = id "/about"; k = 0
    while (k < 20 && (getline l < f) > 0) { print "| " substr(l, 1, 12000); k++ }
    close(f)
    l = first(id "/pid"); known = l ~ /^[0-9]+ [^ ]+ [0-9]+ [0-9]+ *$/
    if (known) { split(l, w, " "); print "pid " w[1] }
    l = first(id "/rc")
    if (l ~ /^[0-9]+ [0-9]+ *$/) { print "rc " l; continue }
    if (!known) continue
    t = token(w[1])
    print "keeper " (t == w[2] ? "lives" : t == "" ? "gone" : "other")
    if (t == w[2] || t == "") { root[w[1]] = id; some = 1 }
  }
  if (!some || !proc) exit
  while (("ls /proc" | getline p) > 0) {
    if (p !~ /^[0-9]+$/ || fields(p, a) < 22 || a[1] == "Z") continue
    parent[p] = a[2]; session[p] = a[4]; ticks[p] = a[12] + a[13] + a[14] + a[15]
  }
  for (p in parent) {
    q = p; d = 0; r = ""
    while ((q in parent) && d++ < 200) {
      if (q in root) { r = q; break }
      if (session[q] in root) { r = session[q]; break }
      q = parent[q]
    }
    if (r != "") measure(p, root[r])
  }
  for (id in count)
    printf "use %s %d %.0f %.0f %.0f %.0f %d\n", id, count[id], rss[id], high[id], cpu[id], pss[id], dark[id]
}
"""
)
"""The records of the jobs that are named as arguments, and what the processes of those take that have not ended."""
TRIPLES = (
    _STAT
    + rb"""BEGIN {
  while (("ls /proc" | getline p) > 0)
    if (p ~ /^[0-9]+$/ && fields(p, a) >= 22 && a[1] != "Z") print p, a[2], a[4], a[3]
}
"""
)
"""Each process that lives: PID, parent, session, process group."""
MEMBERS = rb"""{ parent[$1] = $2; session[$1] = $3; group[$1] = $4 }
END {
  for (p in parent) {
    ours = d = 0
    for (q = p; (q in parent) && d < 200; q = parent[q]) { d++; if (q == root || session[q] == root) ours = 1 }
    if (ours && p != root) { at[d] = at[d] p " " group[p] "\n"; if (d > deepest) deepest = d }
  }
  for (d = 1; d <= deepest; d++) printf "%s", at[d]
}
"""
"""Of those, the ones that belong to `root`, with their groups: its session, and all below it and them. Parents come
before their children: a shell whose child is ended first goes on, and may end as if all were well."""
