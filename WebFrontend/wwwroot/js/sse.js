import { EventStreamParser } from "./parser.js";

// A stream that goes on by itself: like EventSource, but it can send Last-Event-ID from a page that was reopened, sees why a
// server refused, hears comments (so it notices a connection that died silently) and takes every event name.

const QUIET_LIMIT = 45_000; // three of the server's heartbeats
const SHORTEST = 1_000;
const LONGEST = 30_000;

export class EventStream {
  #url;
  #on;
  #parser = new EventStreamParser();
  #attempt = 0;
  #abort;
  #wake;
  #closed = false;

  /**
   * `on.event({ type, data, id })`, and `on.state({ state, … })`: `connecting`, `live`, `waiting` (`until`, `reason`, `detail`),
   * `stopped` (`reason`, `detail`). Reasons: `ended`, `broken`, `unreachable`, `silent`, `refused`, `nothingMore`, `closed`.
   */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
  }

  get lastEventId() {
    return this.#parser.lastEventId;
  }

  async open() {
    while (!this.#closed) {
      this.#on.state({ state: "connecting" });
      const end = await this.#connect();
      if (this.#closed) break;
      if (end.final) return this.#on.state({ state: "stopped", ...end });
      const delay = end.retryAfter ?? this.#delay();
      const waited = new Promise((resolve) => (this.#wake = resolve));
      const timer = setTimeout(this.#wake, delay);
      this.#on.state({ state: "waiting", until: Date.now() + delay, ...end });
      await waited;
      clearTimeout(timer);
    }
    this.#on.state({ state: "stopped", reason: "closed" });
  }

  /** Ends the wait before the next attempt. */
  reconnectNow() {
    this.#wake?.();
  }

  close() {
    this.#closed = true;
    this.#abort?.abort();
    this.#wake?.();
  }

  // One connection, from the request to its end; says why it ended.
  async #connect() {
    const abort = (this.#abort = new AbortController());
    let [open, silent] = [false, false];
    let quiet;
    const heard = () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => { silent = true; abort.abort(); }, QUIET_LIMIT);
    };
    try {
      heard();
      const headers = { Accept: "text/event-stream" };
      if (this.#parser.lastEventId !== "") headers["Last-Event-ID"] = this.#parser.lastEventId;
      const response = await fetch(this.#url, { headers, cache: "no-store", signal: abort.signal });
      if (!isStream(response)) return await refusal(response);
      // What a dead connection had begun counts no more: a new parser, from the last complete event on.
      const { lastEventId, retry } = this.#parser;
      this.#parser = new EventStreamParser(lastEventId);
      this.#parser.retry = retry;
      open = true;
      this.#on.state({ state: "live" });
      for (const reader = response.body.getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) return { reason: "ended" };
        heard();
        this.#parser.push(value, (event) => {
          this.#attempt = 0;
          this.#on.event(event);
        });
      }
    } catch {
      return { reason: silent ? "silent" : open ? "broken" : "unreachable", detail: QUIET_LIMIT / 1000 };
    } finally {
      clearTimeout(quiet);
    }
  }

  // Doubling, and jittered so that clients which lost one server do not return to the next in one moment. The server's `retry:`
  // is the first step: it carries a jitter of its own.
  #delay() {
    const base = Math.max(this.#parser.retry ?? SHORTEST, 100);
    const step = Math.min(base * 2 ** this.#attempt++, Math.max(LONGEST, base));
    return step * (0.75 + Math.random() / 4);
  }
}

const isStream = (response) =>
  response.status === 200 && /^text\/event-stream\s*(;|$)/i.test(response.headers.get("content-type") ?? "");

async function refusal(response) {
  if (response.status === 204) return { final: true, reason: "nothingMore" };
  const detail = (await problemOf(response)).message;
  const busy = [408, 425, 429].includes(response.status) || response.status >= 500;
  const after = Number(response.headers.get("retry-after"));
  return { final: !busy, reason: "refused", status: response.status, detail, retryAfter: busy && after > 0 ? after * 1000 : undefined };
}

/** What an answer that is no success says: its problem details (RFC 9457) in one sentence, and by field. */
export async function problemOf(response) {
  try {
    const problem = await response.json();
    const errors = Object.entries(problem.errors ?? {});
    return {
      message: problem.detail ?? problem.title ?? `${response.status}`,
      errors: Object.fromEntries(errors.map(([field, texts]) => [field, [texts].flat().join(" ")])),
    };
  } catch {
    return { message: `${response.status} ${response.statusText}`.trim(), errors: {} };
  }
}
