import { isAway, isFinal, refusalOf, retryDelay } from "../Shared/requests.js";
import { openStream } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

const RETRY_DELAY = 2_000; // milliseconds
const TIMEOUT = 10_000; // milliseconds for one request

/**
 * One answer (a generation), which the server owns: reads its text so far, then its stream. Calls
 * `changed(answer, fresh)` after each change; `fresh` is the text that arrived with it.
 */
export class Answer {
  text = "";
  status = "reading"; // running, done, cancelled, failed, interrupted; missing, refused, retrying, unreachable
  breaks = 0;
  arrivals = []; // { at, tokens } of tokens that arrived live
  waiting = null; // { until, tunnel } while there is no connection
  state = {};
  refusal = null; // the error of the last read that StreamApi refused
  #changed;
  #client;
  #position;

  constructor(id, changed) {
    [this.id, this.#changed] = [id, changed];
  }

  get ended() {
    return ["done", "cancelled", "failed", "interrupted", "missing", "refused"].includes(this.status);
  }

  /** Milliseconds until the first token was stored, by the server's clock; null before that. */
  get first() {
    const { createdAt, firstTokenAt } = this.state;
    return createdAt && firstTokenAt ? Math.max(0, Date.parse(firstTokenAt) - Date.parse(createdAt)) : null;
  }

  get tokens() {
    return this.state.usage?.outputTokens ?? (this.ended ? null : estimate(this.text));
  }

  /** Tokens per second: over the whole answer once it has ended, over the last two seconds while it runs. */
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

  /** Streams an answer that was just started. */
  follow() {
    this.status = "running";
    this.#listen();
  }

  /** Reads the stored text, and streams the rest if the answer is still running. */
  async read() {
    while (!(await this.#refresh())) {
      const delay = retryDelay(this.refusal, RETRY_DELAY);
      if (this.status === "running") this.#update({ waiting: { until: Date.now() + delay } });
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
    if (this.status === "running") this.#listen();
  }

  /** Drops the connection for a while, as in a tunnel, then reconnects. */
  tunnel(milliseconds) {
    if (this.status !== "running") return;
    this.#client?.close();
    this.breaks++;
    this.#update({ waiting: { until: Date.now() + milliseconds, tunnel: true } });
    setTimeout(() => this.status === "running" && this.#listen(), milliseconds);
  }

  async cancel() {
    const response = await fetch(this.#address, { method: "DELETE", signal: AbortSignal.timeout(TIMEOUT) });
    if (!response.ok) throw await refusalOf(response);
  }

  close() {
    this.#client?.close();
  }

  get #address() {
    return `${streamApi}/v1/generations/${encodeURIComponent(this.id)}`;
  }

  async #refresh() {
    try {
      const response = await fetch(this.#address, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
      if (response.status === 404) return this.#update({ status: "missing" });
      if (!response.ok) throw await refusalOf(response);
      const state = await response.json();
      this.#position = response.headers.get("X-Sse-Position") ?? undefined;
      return this.#update(
        { state, status: state.status, waiting: null, refusal: null },
        state.text.startsWith(this.text) ? state.text.slice(this.text.length) : undefined,
        state.text,
      );
    } catch (error) {
      const refusal = isAway(error.status) ? null : error;
      if (isFinal(error.status)) return this.#update({ status: "refused", waiting: null, refusal });
      const status = this.status === "running" ? "running" : refusal ? "retrying" : "unreachable";
      this.#update({ status, refusal });
      return false;
    }
  }

  // Reads the metadata; the text arrives by the stream.
  async #refreshDetails() {
    try {
      const response = await fetch(this.#address, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
      if (!response.ok) return;
      const state = await response.json();
      if (!this.ended || state.status !== "running") this.#update({ state }); // a response from before the end is stale
    } catch {
      /* the stats stay empty */
    }
  }

  #listen() {
    const client = (this.#client = openStream(`${this.#address}/stream`, { lastEventId: this.#position }));
    client.on("*", (message) => {
      this.#position = message.id;
      const data = message.json();
      if (message.type === "token") {
        this.arrivals.push({ at: performance.now(), tokens: estimate(data.text) });
        this.#update({ waiting: null }, data.text, this.text + data.text);
        if (this.first === null && this.arrivals.length === 1) this.#refreshDetails();
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
        this.#update({ status, waiting: null, state: { ...this.state, ...data } });
        this.#refreshDetails();
      } else if (message.type === "resync") {
        client.close();
        this.read();
      }
    });
    client.onState((now) => {
      if (client !== this.#client || this.ended) return;
      if (now.state === "waiting") {
        if (!this.waiting) this.breaks++;
        this.#update({ waiting: { until: now.until } });
      } else if (now.state === "open") this.#update({ waiting: null });
      else if (now.state === "closed" && now.reason !== "closed") this.read(); // the store has the final state
    });
  }

  #update(change, fresh = "", text = this.text) {
    Object.assign(this, change, { text });
    this.#changed(this, fresh);
    return true;
  }
}

// An estimate until the provider reports usage: one token per word, or per three characters of a script without spaces.
const estimate = (text) =>
  (text.match(/[^\s\u2e80-\uffff]+/g)?.length ?? 0) + (text.match(/[\u2e80-\uffff]/g)?.length ?? 0) / 3;
