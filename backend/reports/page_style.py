"""The looks of a report's page. Nothing is fetched: the fonts are the reader's own."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--quiet:#5b6675;--page:#fbfbfa;--card:#fff;--edge:#dfe3e8;--accent:#2563a8;
--good:#1d7a46;--warn:#8a5a00;--bad:#b3261e;--band:#2563a830}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--quiet:#9aa5b4;--page:#12161c;--card:#191f27;--edge:#2d3642;
--accent:#7db4f0;--good:#64c98e;--warn:#e3b341;--bad:#ff8a80;--band:#7db4f030}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:2rem 1.25rem 3rem;background:var(--page);color:var(--ink);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
h1,h2,h3,h4{line-height:1.25;overflow-wrap:anywhere}
h1{margin:0;font-size:1.8rem}
h2{margin:2.5rem 0 .75rem;font-size:1.25rem;border-bottom:1px solid var(--edge);padding-bottom:.35rem}
h3{margin:0 0 .5rem;font-size:1.05rem}
h4{margin:1rem 0 .35rem;font-size:.9rem;color:var(--quiet)}
p{margin:.4rem 0;overflow-wrap:anywhere}
.verdict{font-size:1.15rem;font-weight:600;margin:.35rem 0 1rem}
.good .sign,.verdict.good{color:var(--good)}
.warn .sign,.verdict.warn,.cause.warn h3{color:var(--warn)}
.bad .sign,.verdict.bad,.cause.bad h3{color:var(--bad)}
.quiet,.quiet .sign{color:var(--quiet)}
.sign{display:inline-block;width:1.1em;font-weight:700}
dl{margin:.5rem 0;display:grid;gap:.15rem 0}
dl div{display:grid;grid-template-columns:minmax(7rem,11rem) 1fr;gap:0 1rem}
dt{color:var(--quiet)}
dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;border:1px solid var(--edge);border-radius:8px;background:var(--card)}
.scroll{margin:.75rem 0}
.scroll:focus-visible{outline:2px solid var(--accent)}
table{border-collapse:collapse;width:100%}
caption{text-align:left;padding:.6rem .9rem;color:var(--quiet);font-size:.9rem}
th,td{padding:.4rem .9rem;text-align:left;vertical-align:top;border-top:1px solid var(--edge)}
thead th{color:var(--quiet);font-weight:500;font-size:.85rem}
tbody th{font-weight:500;white-space:nowrap}
td{white-space:nowrap}
td:last-child:not(.number){white-space:normal;overflow-wrap:anywhere;width:99%;min-width:12rem}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.cause{margin:1rem 0;padding:1rem 1.1rem;background:var(--card);border:1px solid var(--edge);border-left:4px solid;
border-radius:8px}
.cause.bad{border-left-color:var(--bad)}.cause.warn{border-left-color:var(--warn)}
ol{margin:.35rem 0;padding-left:1.4rem}
li{margin:.35rem 0;overflow-wrap:anywhere}
pre{margin:.3rem 0;padding:.45rem .7rem;background:var(--page);border:1px solid var(--edge);border-radius:6px;
white-space:pre-wrap;overflow-wrap:anywhere}
code{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
figure{margin:1.25rem 0;padding:.9rem 1rem;background:var(--card);border:1px solid var(--edge);border-radius:8px}
figcaption{color:var(--quiet);font-size:.9rem}
figure dl{grid-template-columns:repeat(auto-fit,minmax(14rem,1fr));gap:.15rem 1.5rem;font-size:.9rem}
figure dl div{grid-template-columns:4.5rem 1fr}
.plot{display:block;width:100%;height:auto;margin:.5rem 0}
.plot text{fill:var(--quiet);font:11px system-ui,sans-serif}
.plot .grid{stroke:var(--edge)}.plot .line{fill:none;stroke:var(--accent);stroke-width:1.5;stroke-linejoin:round}
.plot .band{fill:var(--band)}
@media (max-width:34rem){body{padding:1.25rem .9rem 2rem}dl div{grid-template-columns:1fr}th,td{padding:.35rem .6rem}
figure dl div{grid-template-columns:4.5rem 1fr}dl div+div{margin-top:.2rem}
.wide thead{position:absolute;clip-path:inset(50%)}.wide tr{display:flex;flex-wrap:wrap;padding:.4rem .6rem;
border-top:1px solid var(--edge)}.wide th,.wide td{border:0;padding:0 1rem 0 0}
.wide td:last-child{flex-basis:100%;padding-left:1.4em;color:var(--quiet)}.wide td:empty{display:none}}
@media print{:root{color-scheme:light;--ink:#000;--quiet:#444;--page:#fff;--card:#fff;--edge:#bbb;--accent:#124;
--good:#064;--warn:#640;--bad:#900;--band:#0002}body{max-width:none;padding:0}.cause,figure,tr{break-inside:avoid}
h2,h3{break-after:avoid}.scroll{overflow:visible}}
"""
