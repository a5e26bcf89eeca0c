import { openStream } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

const AGAIN = 2_000;
const PATIENCE = 10_000; // with a server that says nothing

/**
 * One answer (a generation), read from the server: what there is of it, then what comes. It belongs to the server: this reader may drop,
 * return or be a second one. `changed` is called whenever something about it has; `fresh` text is what came with it.
 */
export class Answer {
  text = "";
  status = "reading"; // running, done, cancelled, failed, interrupted; missing, unreachable
  breaks = 0;
  arrivals = []; // { at, tokens } of what came while this page looked on
  waiting = null; // { until, tunnel } while there is no connection
  state = {};
  #changed;
  #client;
  #position;

  constructor(id, changed) {
    [this.id, this.#changed] = [id, changed];
  }

  get ended() {
    return ["done", "cancelled", "failed", "interrupted", "missing"].includes(this.status);
  }

  /** Milliseconds until the first token was stored, by the server's clock. */
  get first() {
    const { createdAt, firstTokenAt } = this.state;
    return createdAt && firstTokenAt ? Math.max(0, Date.parse(firstTokenAt) - Date.parse(createdAt)) : null;
  }

  get tokens() {
    return this.state.usage?.outputTokens ?? (this.ended ? null : estimate(this.text));
  }

  /** Tokens a second: at the end over all, by the server's count and clock; before it as they come. */
  get speed() {
    const { usage, firstTokenAt, endedAt } = this.state;
    const seconds = (Date.parse(endedAt) - Date.parse(firstTokenAt)) / 1000;
    if (usage && seconds > 0) return usage.outputTokens / seconds;
    const since = performance.now() - 2_000;
    const recent = this.arrivals.filter(({ at }) => at > since);
    return this.status === "running" && recent.length > 1
      ? recent.reduce((sum, { tokens }) => sum + tokens, 0) / 2
      : null;
  }

  /** Follows one that was just begun. */
  follow() {
    this.status = "running";
    this.#listen();
  }

  /** Reads what there is, and follows it where it goes on. */
  async read() {
    while (!(await this.#refresh())) await new Promise((resolve) => setTimeout(resolve, AGAIN));
    if (this.status === "running") this.#listen();
  }

  /** Drops the connection, as a train in a tunnel does, and comes back. */
  tunnel(milliseconds) {
    if (this.status !== "running") return;
    this.#client?.close();
    this.breaks++;
    this.#tell({ waiting: { until: Date.now() + milliseconds, tunnel: true } });
    setTimeout(() => this.status === "running" && this.#listen(), milliseconds);
  }

  async cancel() {
    const response = await fetch(this.#address, { method: "DELETE", signal: AbortSignal.timeout(PATIENCE) });
    if (!response.ok) throw new Error(`${response.status}`);
  }

  close() {
    this.#client?.close();
  }

  get #address() {
    return `${streamApi}/v1/generations/${encodeURIComponent(this.id)}`;
  }

  async #refresh() {
    try {
      const response = await fetch(this.#address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (response.status === 404) return this.#tell({ status: "missing" });
      if (!response.ok) throw new Error();
      const state = await response.json();
      this.#position = response.headers.get("X-Sse-Position") ?? undefined;
      return this.#tell(
        { state, status: state.status, waiting: null },
        state.text.startsWith(this.text) ? state.text.slice(this.text.length) : undefined,
        state.text,
      );
    } catch {
      this.#tell({ status: this.status === "running" ? "running" : "unreachable" });
      return false;
    }
  }

  // What is known about it beside its text, which comes by the stream.
  async #inform() {
    try {
      const response = await fetch(this.#address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (!response.ok) return;
      const state = await response.json();
      if (!this.ended || state.status !== "running") this.#tell({ state }); // asked before the end, answered after it: too old
    } catch {
      /* the figures stay away */
    }
  }

  #listen() {
    const client = (this.#client = openStream(`${this.#address}/stream`, { lastEventId: this.#position }));
    client.on("*", (message) => {
      this.#position = message.id;
      const data = message.json();
      if (message.type === "token") {
        this.arrivals.push({ at: performance.now(), tokens: estimate(data.text) });
        this.#tell({ waiting: null }, data.text, this.text + data.text);
        if (this.first === null && this.arrivals.length === 1) this.#inform();
      } else if (message.type === "done" || message.type === "error") {
        client.close();
        const status =
          message.type === "done"
            ? data.finishReason === "cancelled"
              ? "cancelled"
              : "done"
            : data.reason === "interrupted"
              ? "interrupted"
              : "failed";
        this.#tell({ status, waiting: null, state: { ...this.state, ...data } });
        this.#inform();
      } else if (message.type === "resync") {
        client.close();
        this.read();
      }
    });
    client.onState((now) => {
      if (client !== this.#client || this.ended) return;
      if (now.state === "waiting") {
        if (!this.waiting) this.breaks++;
        this.#tell({ waiting: { until: now.until } });
      } else if (now.state === "open") this.#tell({ waiting: null });
      else if (now.state === "closed" && now.reason !== "closed") this.read(); // no more, or refused: what holds is stored
    });
  }

  #tell(change, fresh = "", text = this.text) {
    Object.assign(this, change, { text });
    this.#changed(this, fresh);
    return true;
  }
}

// Until the provider has counted: a word is a token, and so are three characters of a script without spaces.
const estimate = (text) =>
  (text.match(/[^\s\u2e80-\uffff]+/g)?.length ?? 0) + (text.match(/[\u2e80-\uffff]/g)?.length ?? 0) / 3;
