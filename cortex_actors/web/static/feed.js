// The feed: server-sent events over fetch, because an EventSource cannot send a token.

const SILENCE = 20_000; // ms without a byte after which the connection counts as lost: heartbeats come every 15 s
const PAUSES = [500, 1000, 2000, 5000, 10_000]; // ms between attempts to connect

/** Follows `url` for good. `handlers` are called by event name, `onState` with "live", "connecting", "refused" or "lost". */
export class Feed {
  constructor(url, { handlers, onState, token }) {
    this.url = url;
    this.handlers = handlers;
    this.onState = onState;
    this.token = token;
    this.lastId = "";
    this.round = 0;
  }

  /** Connects anew, at once: the token may be another one. */
  restart() {
    this.round += 1;
    this.connection?.abort();
    this.follow(this.round);
  }

  async follow(round) {
    for (let failures = 0; round === this.round; ) {
      this.onState("connecting");
      const opened = await this.read(() => { failures = 0; });
      if (round !== this.round) return;
      if (opened === "refused") return this.onState("refused");
      this.onState("lost");
      await new Promise((done) => setTimeout(done, PAUSES[Math.min(failures, PAUSES.length - 1)]));
      failures += 1;
    }
  }

  /** One connection, from its first byte to its end. */
  async read(onOpen) {
    this.connection = new AbortController();
    const { signal } = this.connection;
    let alarm = 0;
    const alive = () => {
      clearTimeout(alarm);
      alarm = setTimeout(() => this.connection.abort(), SILENCE);
    };
    try {
      alive();
      const headers = { Accept: "text/event-stream" };
      if (this.lastId) headers["Last-Event-ID"] = this.lastId;
      if (this.token()) headers.Authorization = `Bearer ${this.token()}`;
      const response = await fetch(this.url, { headers, signal, cache: "no-store" });
      if (response.status === 401 || response.status === 403) return "refused";
      if (!response.ok || !response.body) return "failed";
      onOpen();
      this.onState("live");
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return "ended";
        alive();
        const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
        rest = blocks.pop();
        for (const block of blocks) this.dispatch(block);
      }
    } catch {
      return "failed";
    } finally {
      clearTimeout(alarm);
    }
  }

  dispatch(block) {
    let name = "message";
    let id = null;
    const data = [];
    for (const line of block.split("\n")) {
      const [field, ...rest] = line.split(":");
      const value = rest.join(":").replace(/^ /, "");
      if (field === "event") name = value;
      else if (field === "data") data.push(value);
      else if (field === "id") id = value;
    }
    if (id !== null) this.lastId = id;
    if (data.length && this.handlers[name]) this.handlers[name](JSON.parse(data.join("\n")));
  }
}
