// The dashboard: takes each state of the feed and shows it; nothing is asked for that the feed brings.

import { setToken, token } from "./actions.js";
import { Charts } from "./charts.js";
import { facts, find, keep, make, setAttribute, setPill, setText } from "./dom.js";
import { Events } from "./events.js";
import { Feed } from "./feed.js";
import { bytes, duration, milliseconds, number, tone } from "./format.js";
import { showProviders } from "./providers.js";
import { showStreams } from "./streams.js";
import { Tree } from "./tree.js";

const THEME = "cortex-theme";

useTheme(localStorage.getItem(THEME) ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
const charts = new Charts(find);
const tree = new Tree();
const events = new Events();
const feed = new Feed("/api/dashboard/feed", {
  token,
  onState: showConnection,
  handlers: { state: showState, event: (event) => events.add(event), gap: (gap) => events.gap(gap) },
});

find("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem(THEME, theme);
  useTheme(theme);
  charts.redraw();
});
find("token").addEventListener("click", askForToken);
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
showToken();
feed.restart();

function useTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

function showState(state) {
  const { process, rates, streams } = state;
  setPill(find("status"), state.status.replaceAll("_", " "), tone(state.status));
  document.title = `${state.status === "healthy" ? "" : `${state.status} – `}Cortex Actors`;
  const problems = [...state.problems, ...state.warnings];
  find("problems").hidden = problems.length === 0;
  setText(find("problems"), problems.join(" · "));
  facts(find("process"), [
    ["version", process.version], ["mode", process.mode], ["pid", process.pid], ["up", duration(process.uptime)],
    ["memory", bytes(process.resident_bytes)], ["threads", process.threads],
    ["draining", process.draining ? "yes" : null],
  ]);
  showTiles([
    ["requests a second", number(rates.requests_per_second), ""],
    ["errors a second", number(rates.errors_per_second), rates.errors_per_second > 0 ? "bad" : ""],
    ["first token, median", milliseconds(rates.ttft_p50_ms), ""],
    ["first token, p95", milliseconds(rates.ttft_p95_ms), ""],
    ["tokens a second", number(rates.tokens_per_second, 0), ""],
    ["streams running", streams.running, streams.running >= streams.max ? "bad" : ""],
    ["actor restarts", state.restarts, state.restarts ? "warn" : ""],
    ["threads given up", process.abandoned_threads, process.abandoned_threads ? "bad" : ""],
  ]);
  charts.update(state);
  showProviders(find("providers"), state.providers);
  tree.update(state.tree);
  showStreams(streams);
}

function showTiles(tiles) {
  keep(find("tiles"), tiles, ([label]) => label,
    ([label]) => make("div", { class: "tile" }, make("b"), make("span", {}, label)),
    (tile, [, value, mood]) => {
      setText(tile.firstElementChild, value);
      setAttribute(tile, "data-tone", mood || null);
    });
}

function showConnection(state) {
  const said = { live: "live", connecting: "connecting", lost: "connection lost, trying again", refused: "a token is needed" };
  setText(find("connection"), said[state]);
  setAttribute(find("connection"), "data-state", state);
  if (state === "refused") askForToken();
}

function showToken() {
  document.body.classList.toggle("may-act", token() !== "");
  setText(find("token"), token() ? "Token: set" : "Enter token");
}

function askForToken() {
  const dialog = find("enter-token");
  if (dialog.open) return;
  find("token-value").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "use" && find("token-value").value) setToken(find("token-value").value.trim());
    else if (dialog.returnValue === "forget") setToken("");
    else return;
    find("token-value").value = "";
    showToken();
    feed.restart();
  }, { once: true });
}
