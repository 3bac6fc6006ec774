// Actions: what an operator with a token may order, asked for once more where it hurts, and told how it went.

import { find, make } from "./dom.js";

const KEY = "cortex-token"; // sessionStorage: gone with the tab

export const token = () => sessionStorage.getItem(KEY) ?? "";

export function setToken(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

/** Says something in the corner for a while. */
export function notice(text, tone = "good") {
  const told = make("div", { class: "notice", "data-tone": tone }, text);
  find("notices").append(told);
  setTimeout(() => told.remove(), 8000);
}

/** Calls the API; returns the answer's JSON, or null after telling what went wrong. */
export async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const answer = await response.json();
    if (response.ok) return answer;
    notice(`${answer.error ?? response.status}${answer.details ? `: ${answer.details}` : ""}`, "bad");
  } catch (error) {
    notice(`The gateway did not answer: ${error.message}`, "bad");
  }
  return null;
}

/** Asks first when `question` is given; true when the order was carried out. */
export async function order(done, method, path, body, question) {
  if (question && !(await sure(question))) return false;
  const answer = await call(method, path, body);
  if (answer) notice(answer.result ? `${done}: ${answer.result.replaceAll("_", " ")}.` : `${done}.`);
  return answer !== null;
}

function sure({ title, text, yes }) {
  const dialog = find("ask");
  find("ask-title").textContent = title;
  find("ask-text").textContent = text;
  find("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}

export const actorPath = (name) => name.split("/").map(encodeURIComponent).join("/");
