"""How the page of a report looks, in light and in dark."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --panel: #ffffff; --ink: #23262b; --soft: #6b7078; --rule: #e3e1da;
  --s1: #1f6f78; --s2: #c2571a; --s3: #6a4c93; --bad: #b3261e; --good: #2e7d4f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181b; --panel: #1e2125; --ink: #e6e4df; --soft: #9aa0a8; --rule: #33373d;
    --s1: #5ec4cf; --s2: #f0995c; --s3: #b79ae0; --bad: #ff8a80; --good: #7bd39b;
  }
}
body {
  margin: 0 auto; max-width: 820px; padding: 2rem 1rem 4rem;
  background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .6rem; }
p { color: var(--soft); max-width: 70ch; margin: .5rem 0; }
.note { color: var(--ink); border-left: 3px solid var(--s2); padding-left: .8rem; }
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: .8rem; margin: 1.4rem 0;
}
.tile, figure {
  background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: .8rem 1rem;
}
.tile b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); }
.bad b { color: var(--bad); }
.good b { color: var(--good); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--rule); font-weight: normal; }
th:first-child, td:first-child { text-align: left; }
thead th { color: var(--soft); }
figure { margin: 0 0 1rem; }
figcaption { color: var(--soft); margin-bottom: .4rem; }
figcaption i { font-style: normal; margin-right: 1rem; }
figcaption i::before {
  content: ""; display: inline-block; width: 1.1em; height: 3px; margin-right: .4em;
  vertical-align: middle; background: var(--line);
}
svg { width: 100%; height: auto; display: block; }
.grid { stroke: var(--rule); }
.mark, .unit { fill: var(--soft); font: 11px system-ui, sans-serif; }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.s1 { stroke: var(--s1); }
.s2 { stroke: var(--s2); }
.s3 { stroke: var(--s3); }
"""
