import { isAway, refusalOf } from "../Shared/requests.js";
import { openState } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

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
  #stream;
  #loss = new AbortController(); // ends the connection in the tunnel

  constructor(id, changed) {
    this.id = id;
    this.#changed = changed;
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

  /** Reads the stored text, and streams the rest while the answer is running. */
  read(status = this.status) {
    this.status = status;
    const stream = (this.#stream = openState(`/v1/generations/${encodeURIComponent(this.id)}/stream`, {
      read: (request) => fetch(this.#address, request),
      show: async (response) => this.#show(await response.json()),
      fetch: (url, request) => this.#fetch(url, request),
    }));

    stream.on("*", (message) => this.#receive(message.type, message.json()));
    stream.onState((now) => stream === this.#stream && !this.ended && this.#enter(now));
  }

  /** Loses the connection for a while, as in a tunnel. */
  tunnel(milliseconds) {
    if (this.status !== "running") return;

    this.breaks++;
    this.#update({ waiting: { until: Date.now() + milliseconds, tunnel: true } });
    this.#loss.abort();

    setTimeout(() => {
      this.#loss = new AbortController();
      this.#stream.reconnect();
    }, milliseconds);
  }

  async cancel() {
    const response = await fetch(this.#address, { method: "DELETE", signal: AbortSignal.timeout(TIMEOUT) });
    if (!response.ok) throw await refusalOf(response);
  }

  get #address() {
    return `${streamApi}/v1/generations/${encodeURIComponent(this.id)}`;
  }

  #fetch(url, request) {
    return fetch(url, { ...request, signal: AbortSignal.any([request.signal, this.#loss.signal]) });
  }

  #show(state) {
    this.#update(
      { state, status: state.status, waiting: null, refusal: null },
      state.text.startsWith(this.text) ? state.text.slice(this.text.length) : undefined,
      state.text,
    );

    if (this.ended) this.#stream.close();
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

  #receive(type, data) {
    if (type === "token") {
      this.arrivals.push({ at: performance.now(), tokens: estimate(data.text) });
      this.#update({ waiting: null }, data.text, this.text + data.text);
      if (this.first === null && this.arrivals.length === 1) this.#refreshDetails();
    } else if (type === "done" || type === "error") {
      this.#update({ status: endOf(type, data), waiting: null, state: { ...this.state, ...data } });
      this.#stream.close();
      this.#refreshDetails();
    }
  }

  #enter({ state, reason, status, detail, until }) {
    const refusal = { status, message: detail };

    if (state === "open") this.#update({ waiting: null });
    else if (state === "waiting" && !this.#loss.signal.aborted) {
      const running = this.status === "running";
      if (running && !this.waiting) this.breaks++;
      const trouble = isAway(status) ? "unreachable" : "retrying";
      this.#update({ status: running ? "running" : trouble, waiting: { until }, refusal });
    } else if (state === "closed") {
      if (reason === "nothing-more") return this.read(); // the store has the final state
      this.#update({ status: status === 404 ? "missing" : "refused", waiting: null, refusal });
    }
  }

  #update(change, fresh = "", text = this.text) {
    Object.assign(this, change, { text });
    this.#changed(this, fresh);
  }
}

function endOf(type, { finishReason, reason }) {
  if (type === "done") return finishReason === "cancelled" ? "cancelled" : "done";
  return reason === "interrupted" ? "interrupted" : "failed";
}

// An estimate until the provider reports usage: one token per word, or per three characters of a script without spaces.
const estimate = (text) =>
  (text.match(/[^\s\u2e80-\uffff]+/g)?.length ?? 0) + (text.match(/[\u2e80-\uffff]/g)?.length ?? 0) / 3;
