// Elements: made, filled, and kept in step with a list without losing focus or scroll position.

/** Makes an element: attributes by name, `on*` listeners as functions, children as elements or text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const find = (id) => document.getElementById(id);

/** Sets a text only where it changed, so that a selection in it lives on. */
export function setText(element, text) {
  const wanted = text === null || text === undefined ? "" : String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** One child of `parent` for each item, in order: `create(item)` makes it once, `update(child, item)` fills it. */
export function keep(parent, items, keyOf, create, update) {
  const present = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = present.get(key);
    if (child) present.delete(key);
    else {
      child = create(item);
      child.dataset.key = key;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const gone of present.values()) gone.remove();
}

/** Fills a <dl> of facts from [name, value] pairs; a value of null leaves its pair out. */
export function facts(list, pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined);
  keep(list, told, ([name]) => name,
    ([name]) => make("div", {}, make("dt", {}, name), make("dd")),
    (row, [, value]) => setText(row.lastElementChild, value));
}

/** A pill that says `text` in a tone: "good", "warn", "bad" or "idle". */
export function setPill(pill, text, tone) {
  setText(pill, text);
  setAttribute(pill, "data-tone", tone);
}
