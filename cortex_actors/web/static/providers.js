// Providers: status, breakers, keys, and what an operator can do about them.

import { order } from "./actions.js";
import { facts, keep, make, setPill, setText } from "./dom.js";
import { duration, milliseconds, tone } from "./format.js";

const path = (provider, verb) => `/api/admin/providers/${encodeURIComponent(provider.name)}${verb}`;

export function showProviders(list, providers) {
  keep(list, providers, (provider) => provider.name, create, update);
}

function create(provider) {
  const act = (label, run, tone = "") => make("button", { type: "button", class: `small admin ${tone}`, onclick: run }, label);
  const breaker = (mode) => () => order(`breaker of ${provider.name}`, "POST", path(provider, "/breaker"), { mode });
  return make("article", { class: "card", "aria-label": `Provider ${provider.name}` },
    make("div", { class: "top" }, make("h3", {}, provider.name), make("span", { class: "pill" })),
    make("dl", { class: "facts" }), make("ul", { class: "rows breakers" }), make("ul", { class: "rows keys" }),
    make("p", { class: "error" }),
    make("div", { class: "buttons" },
      act("Drain", () => order(provider.name, "POST", path(provider, "/drain"))),
      act("Accept again", () => order(provider.name, "POST", path(provider, "/undrain"))),
      act("Open breaker", breaker("open")), act("Close breaker", breaker("closed")), act("Breaker by itself", breaker("auto")),
      act("Remove", () => order(provider.name, "DELETE", path(provider, ""), undefined, {
        title: `Remove ${provider.name}?`, yes: "Remove", text: "Its running streams may finish. A reload brings it back while it is in the file.",
      }), "danger")));
}

function update(card, provider) {
  const [top, about, breakers, keys, error] = card.children;
  const state = provider.draining ? "draining" : provider.status;
  setPill(top.lastElementChild, state.replaceAll("_", " "), tone(state));
  facts(about, [
    ["type", provider.type], ["priority", provider.priority], ["streams", `${provider.in_flight} of ${provider.max_streams}`],
    ["requests", provider.requests], ["failures", provider.failures], ["first token", milliseconds(provider.mean_ttft_ms)],
  ]);
  keep(breakers, provider.breakers ?? [], (each) => each.model ?? "", () => row("breaker"), (item, each) => {
    const forced = each.mode === "auto" ? "" : ", by hand";
    setPill(item.children[1], `${each.state.replaceAll("_", " ")}${forced}`, tone(each.state));
    setText(item.children[2], `${each.model ?? "all models"} · ${each.failures} of ${each.calls} failed${each.retry_in ? ` · tries again in ${duration(each.retry_in)}` : ""}`);
  });
  keep(keys, provider.keys ?? [], (each) => each.id, (each) => keyRow(provider, each), (item, each) => {
    setPill(item.children[1], each.state, tone(each.state));
    const rest = each.back_in ? ` · back in ${duration(each.back_in)}` : "";
    setText(item.children[2], `${each.id} · used ${each.used}${rest}${each.resting_for ? ` (${each.resting_for.replaceAll("_", " ")})` : ""}`);
    item.children[3].disabled = each.state === "ready";
  });
  setText(error, provider.last_error ?? "");
  error.hidden = !provider.last_error;
}

function row(label) {
  return make("li", {}, make("span", { class: "hint" }, label), make("span", { class: "pill" }), make("span"));
}

function keyRow(provider, key) {
  const item = row("key");
  item.append(make("button", {
    type: "button", class: "small admin",
    onclick: () => order(`key ${key.id}`, "POST", path(provider, "/unblock"), { key: key.id }),
  }, "Unblock"));
  return item;
}
