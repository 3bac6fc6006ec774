// Running streams: the slow ones first, as the feed sends them.

import { order } from "./actions.js";
import { find, keep, make, setAttribute, setPill, setText } from "./dom.js";
import { bytes, duration, milliseconds, tone } from "./format.js";

const COLUMNS = 11;

export function showStreams(streams) {
  const { running, max, listed } = streams;
  setText(find("streams-count"), listed.length < running ? `${listed.length} of ${running} shown, ${max} at most` : `${running} of ${max} at most`);
  find("streams-none").hidden = listed.length > 0;
  keep(find("streams").tBodies[0], listed, (stream) => stream.id, create, update);
}

function create(stream) {
  const row = make("tr", {}, ...Array.from({ length: COLUMNS }, () => make("td")));
  const { cells } = row;
  cells[0].append(make("code", { title: stream.id }, stream.id.slice(0, 8)));
  cells[2].append(make("span", { class: "pill" }));
  cells[7].append(make("meter", { min: 0, max: 1, low: 0.5, high: 0.9, optimum: 0, "aria-label": "Window fill" }));
  cells[10].append(make("button", {
    type: "button", class: "small admin danger", "aria-label": `Cancel stream ${stream.id.slice(0, 8)}`,
    onclick: () => order(`stream ${stream.id.slice(0, 8)}`, "POST", `/api/admin/streams/${stream.id}/cancel`, undefined, {
      title: "Cancel this stream?", yes: "Cancel it", text: "Its caller gets one error that says so.",
    }),
  }, "Cancel"));
  return row;
}

function update(row, stream) {
  const { cells } = row;
  const slow = stream.slow.length ? ` (slow: ${stream.slow.map((why) => why.replaceAll("_", " ")).join(", ")})` : "";
  setText(cells[1], [stream.provider, stream.model].filter(Boolean).join(" / ") || "–");
  setPill(cells[2].firstElementChild, `${stream.state}${slow}`, slow ? "bad" : tone(stream.state));
  setText(cells[3], duration(stream.age));
  setText(cells[4], duration(stream.ttft));
  setText(cells[5], stream.chunks);
  setText(cells[6], bytes(stream.bytes));
  const fill = stream.window.limit ? stream.window.fill / stream.window.limit : 0;
  const meter = cells[7].firstElementChild;
  meter.value = fill;
  setAttribute(meter, "title", `${bytes(stream.window.fill)} of ${bytes(stream.window.limit)}`);
  setText(cells[8], stream.since_chunk_ms === null ? "–" : `${milliseconds(stream.since_chunk_ms)} ago`);
  const failed = stream.attempts.map((each) => `${each.provider}: ${each.outcome.replaceAll("_", " ")}`).join(", ");
  setText(cells[9], `${stream.attempt}${failed ? ` (${failed})` : ""}${stream.recoveries ? `, ${stream.recoveries} recovered` : ""}`);
}
