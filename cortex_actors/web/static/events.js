// Events: the newest first, kept to a bound, filtered by kind and by text.

import { find, make } from "./dom.js";
import { clock, tone } from "./format.js";

const MOST = 300;

export class Events {
  constructor() {
    this.list = find("events");
    this.kind = find("events-kind");
    this.text = find("events-text");
    this.kinds = new Set();
    this.kind.addEventListener("change", () => this.filter());
    this.text.addEventListener("input", () => this.filter());
  }

  add(event) {
    if (!this.kinds.has(event.kind)) this.addKind(event.kind);
    const repeated = event.repeated ? ` (and ${event.repeated} more)` : "";
    const item = make("li", { class: "event", "data-kind": event.kind },
      make("time", { datetime: event.time, title: event.time }, clock(event.time)),
      make("span", { class: "pill", "data-tone": tone(event.level) }, event.kind.replaceAll("_", " ")),
      make("span", { class: "text" }, `${event.text}${repeated}`));
    item.hidden = !this.wanted(item);
    this.list.prepend(item);
    while (this.list.childElementCount > MOST) this.list.lastElementChild.remove();
  }

  gap({ from, to }) {
    this.list.prepend(make("li", { class: "event" }, make("span", { class: "text" }, `Events ${from} to ${to} were lost.`)));
  }

  addKind(kind) {
    this.kinds.add(kind);
    this.kind.append(make("option", { value: kind }, kind.replaceAll("_", " ")));
  }

  filter() {
    for (const item of this.list.children) item.hidden = !this.wanted(item);
  }

  wanted(item) {
    const text = this.text.value.trim().toLowerCase();
    return (!this.kind.value || item.dataset.kind === this.kind.value) && (!text || item.textContent.toLowerCase().includes(text));
  }
}
