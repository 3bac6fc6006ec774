// The charts: one minute of seconds each, in the colours of the page. uPlot is vendored beside this file.

const HEIGHT = 150;
const SECONDS = 60;

const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

class Chart {
  constructor(element, series) {
    this.element = element;
    this.series = series;
    this.data = [[], ...series.map(() => [])];
    this.draw();
    new ResizeObserver(() => this.plot.setSize({ width: this.width(), height: HEIGHT })).observe(element);
  }

  width() {
    return Math.max(200, Math.floor(this.element.clientWidth));
  }

  /** Draws anew: colours are part of a plot. */
  draw() {
    this.plot?.destroy();
    const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    this.plot = new window.uPlot({
      width: this.width(),
      height: HEIGHT,
      cursor: { y: false },
      scales: { x: { range: (plot, low, high) => [(high ?? Date.now() / 1000) - SECONDS, high ?? Date.now() / 1000] }, y: { range: (plot, low, high) => [0, Math.max(1, high ?? 1) * 1.1] } },
      axes: [{ ...axis, space: 70, values: (plot, seconds) => seconds.map(time) }, { ...axis, size: 44 }],
      series: [{ value: (plot, seconds) => (seconds === null ? "" : time(seconds)) }, ...this.series.map(({ label, tone, fill }) => ({
        label, stroke: colour(tone), width: 2, points: { show: false }, fill: fill ? `${colour(tone)}22` : undefined,
        value: (plot, value) => (value === null || value === undefined ? "–" : value),
      }))],
    }, this.data, this.element);
  }

  show(data) {
    this.data = data;
    this.plot.setData(data);
  }
}

export class Charts {
  constructor(find) {
    this.requests = new Chart(find("chart-requests"), [
      { label: "requests", tone: "accent", fill: true }, { label: "errors", tone: "bad" }]);
    this.ttft = new Chart(find("chart-ttft"), [{ label: "p50", tone: "accent" }, { label: "p95", tone: "warn" }]);
    this.streams = new Chart(find("chart-streams"), [
      { label: "streams", tone: "good", fill: true }, { label: "restarts", tone: "bad" }]);
    this.history = [];
    this.restarts = null;
  }

  redraw() {
    for (const chart of [this.requests, this.ttft, this.streams]) chart.draw();
  }

  update(state) {
    const seconds = state.rates.per_second;
    const at = seconds.map((second) => second.at);
    this.requests.show([at, seconds.map((second) => second.requests), seconds.map((second) => second.errors)]);
    this.ttft.show([at, seconds.map((second) => second.ttft_p50_ms), seconds.map((second) => second.ttft_p95_ms)]);
    const restarted = this.restarts === null ? 0 : Math.max(0, state.restarts - this.restarts);
    this.restarts = state.restarts;
    this.history.push([Date.parse(state.timestamp) / 1000, state.streams.running, restarted]);
    this.history = this.history.slice(-SECONDS);
    this.streams.show([0, 1, 2].map((column) => this.history.map((row) => row[column])));
  }
}
