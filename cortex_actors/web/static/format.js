// How numbers, times and states read to a person.

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const milliseconds = (value) => (value === null || value === undefined ? "–" : duration(value / 1000));

export function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${unit ? count.toFixed(1) : count} ${units[unit]}`;
}

export const number = (value, digits = 1) => (value === null || value === undefined ? "–" : Number(value).toFixed(digits));

export const clock = (iso) => new Date(iso).toLocaleTimeString([], { hour12: false });

const TONES = {
  healthy: "good", available: "good", running: "good", closed: "good", ready: "good", streaming: "good", info: "idle",
  degraded: "warn", unknown: "idle", half_open: "warn", resting: "warn", restarting: "warn", opening: "warn",
  recovering: "warn", ending: "idle", draining: "warn", warning: "warn", rate_limited: "warn",
  quota_exceeded: "bad", unhealthy: "bad", unavailable: "bad", no_workers: "bad", open: "bad", disabled: "bad", hung: "bad",
  exited: "bad", stopped: "bad", error: "bad", ended: "idle",
};

/** The tone of a state; unknown words are told without one. */
export const tone = (state) => TONES[state] ?? "idle";
