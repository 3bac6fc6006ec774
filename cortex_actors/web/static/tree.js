// The supervision tree: every actor with its state; folded and walked by keyboard as WAI-ARIA's tree pattern says.

import { actorPath, call, order } from "./actions.js";
import { facts, find, keep, make, setAttribute, setPill, setText } from "./dom.js";
import { clock, duration, tone } from "./format.js";

export class Tree {
  constructor() {
    this.root = find("tree");
    this.dialog = find("actor");
    this.shown = null;
    this.nodes = new Map();
    this.folded = new Set();
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.root.addEventListener("focusin", (event) => this.rove(event.target.closest("[role=treeitem]")));
    find("actor-stack").addEventListener("click", () => this.showStack());
    find("actor-restart").addEventListener("click", () => this.restart());
    find("actor-terminate").addEventListener("click", () => this.terminate());
  }

  update(tree) {
    this.nodes.clear();
    this.fill(this.root, [tree]);
    if (!this.root.querySelector("[tabindex='0']")) setAttribute(this.root.firstElementChild, "tabindex", 0);
    if (this.dialog.open) this.showFacts();
  }

  fill(list, nodes) {
    keep(list, nodes, (node) => node.name, (node) => this.create(node), (item, node) => this.show(item, node));
  }

  create(node) {
    const item = make("li", { role: "treeitem", tabindex: -1 });
    const line = make("div", { class: "node", onclick: (event) => this.onClick(event, item) },
      make("span", { class: "fold", "aria-hidden": "true" }), make("span", { class: "pill" }),
      make("span", { class: "name" }, node.id), make("span", { class: "class" }),
      make("span", { class: "more" }), make("span", { class: "alarm" }));
    item.append(line, make("ul", { role: "group" }));
    return item;
  }

  show(item, node) {
    this.nodes.set(node.name, node);
    const [fold, pill, , cls, more, alarm] = item.firstElementChild.children;
    const parent = node.children.length > 0;
    const open = parent && !this.folded.has(node.name);
    setText(fold, parent ? (open ? "▾" : "▸") : "");
    setAttribute(item, "aria-expanded", parent ? String(open) : null);
    setAttribute(item, "aria-label", `${node.id}, ${node.class}, ${node.state}`);
    setPill(pill, node.state, tone(node.state));
    setText(cls, node.class);
    setText(more, details(node));
    setText(alarm, trouble(node));
    this.fill(item.lastElementChild, node.children);
  }

  onClick(event, item) {
    item.focus();
    if (event.target.classList.contains("fold")) this.fold(item);
    else this.open(item.dataset.key);
  }

  onKey(event) {
    const item = event.target.closest("[role=treeitem]");
    const items = [...this.root.querySelectorAll("[role=treeitem]")].filter((each) => each.offsetParent !== null);
    const at = items.indexOf(item);
    const moves = {
      ArrowDown: () => items[at + 1]?.focus(),
      ArrowUp: () => items[at - 1]?.focus(),
      Home: () => items[0].focus(),
      End: () => items[items.length - 1].focus(),
      ArrowRight: () => (item.getAttribute("aria-expanded") === "false" ? this.fold(item) : item.querySelector("[role=treeitem]")?.focus()),
      ArrowLeft: () => (item.getAttribute("aria-expanded") === "true" ? this.fold(item) : item.parentElement.closest("[role=treeitem]")?.focus()),
      Enter: () => this.open(item.dataset.key),
      " ": () => this.open(item.dataset.key),
    };
    if (!item || !moves[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    moves[event.key]();
  }

  /** One item alone is in the tab order: the one that had the focus last. */
  rove(item) {
    for (const other of this.root.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    if (item) item.tabIndex = 0;
  }

  fold(item) {
    const name = item.dataset.key;
    if (!this.folded.delete(name)) this.folded.add(name);
    this.show(item, this.nodes.get(name));
  }

  open(name) {
    this.shown = name;
    find("actor-frames").hidden = true;
    this.showFacts();
    if (!this.dialog.open) this.dialog.showModal();
  }

  showFacts() {
    const node = this.nodes.get(this.shown);
    setText(find("actor-title"), this.shown);
    facts(find("actor-facts"), node ? told(node) : [["state", "gone"]]);
  }

  async showStack() {
    const answer = await call("GET", `/api/actors/${actorPath(this.shown)}?stack=true`);
    if (!answer) return;
    const frames = answer.stack?.frames ?? [];
    const text = frames.map((frame) => `${frame.file}:${frame.line} ${frame.function}\n    ${frame.code ?? ""}`).join("\n");
    setText(find("actor-frames"), text || "It has no stack of its own now.");
    find("actor-frames").hidden = false;
  }

  restart() {
    order(this.shown, "POST", `/api/admin/actors/${actorPath(this.shown)}/restart`);
  }

  terminate() {
    order(this.shown, "POST", `/api/admin/actors/${actorPath(this.shown)}/terminate`, undefined, {
      title: `Terminate ${this.shown}?`, yes: "Terminate",
      text: "It is not started again until somebody restarts it.",
    });
  }
}

function details(node) {
  const parts = [duration(node.uptime)];
  if (node.restarts) parts.push(`${node.restarts} restarts`);
  if (node.restarts_in_period) parts.push(`${node.restarts_in_period} of ${node.max_restarts ?? "∞"} in ${node.period} s`);
  if (node.mailbox?.depth) parts.push(`${node.mailbox.depth} waiting`);
  if (node.busy_for > 0.5) parts.push(`at ${node.busy_with} for ${duration(node.busy_for)}`);
  if (node.children_count > node.children.length) parts.push(`${node.children_count} running`);
  return parts.join(" · ");
}

function trouble(node) {
  if (node.backoff) return `starts again in ${duration(node.backoff)}`;
  if (!node.last_exit || ["normal", "shutdown"].includes(node.last_exit.kind)) return "";
  return `${node.last_exit.kind} ${duration(node.last_exit.ago)} ago: ${node.last_exit.detail}`;
}

function told(node) {
  const box = node.mailbox;
  const last = node.last_exit;
  return [
    ["state", node.state], ["class", node.class], ["kind", node.kind], ["restart", node.restart],
    ["generation", node.generation], ["uptime", duration(node.uptime)],
    ["started", node.started_at && clock(node.started_at)],
    ["restarts of its children", node.kind === "supervisor" ? `${node.restarts_in_period} of ${node.max_restarts ?? "∞"}` : null],
    ["last exit", last && `${last.kind}, ${duration(last.ago)} ago: ${last.detail}`],
    ["starts again in", node.backoff && duration(node.backoff)],
    ["mailbox", box && `${box.depth} of ${box.bound}, at most ${box.high_water}, ${box.refused} refused`],
    ["handled", box && `${box.handled} of ${box.received}`],
    ["busy with", node.busy_with && `${node.busy_with}, ${duration(node.busy_for)}`],
    ["children", node.children_count || null],
  ];
}
