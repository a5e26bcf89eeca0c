import { newId } from "../Shared/ids.js";
import { isFinal, refusalOf, retryDelay } from "../Shared/requests.js";
import { openStream } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

const RETRY_DELAY = 2_000; // milliseconds
const EVENTS = ["content", "tool_use", "tool_result", "error", "message_end"];

/**
 * One session with the agent: reads its history, then streams from that position. Calls `on.showAll()`,
 * `on.event(turn, event)`, `on.times()`, `on.state(state)` and, if the server has no such session, `on.missing()`.
 */
export class Session {
  turns = []; // { message, askedAt, endedAt, events }
  #on;
  #client;
  #opening; // the running open()
  #skip = () => {}; // ends its wait
  #unanswered; // { key, message } of the last message until its answer is known

  constructor(id, on) {
    [this.id, this.#on] = [id, on];
  }

  /** @throws Error with the server's reason. */
  static async begin(chosen) {
    const response = await post("/session", chosen);
    return (await response.json()).session_id;
  }

  /** Reads the history, then opens the stream at its position. A call during another one joins it. */
  open() {
    return (this.#opening ??= this.#open().finally(() => (this.#opening = undefined)));
  }

  async #open() {
    const client = this.#client;
    this.#client = undefined; // its last state is not the session's
    client?.close();
    for (;;) {
      this.#on.state({ state: "connecting" });
      try {
        const response = await this.#read();
        if (response.status === 404) return this.#on.missing();
        if (!response.ok) throw await refusalOf(response);
        ({ turns: this.turns } = await response.json());
        this.#on.showAll();
        return this.#listen(response.headers.get("X-Sse-Position") ?? undefined);
      } catch (error) {
        const { status, message } = error;
        const delay = retryDelay(error, RETRY_DELAY);
        const end = status ? { reason: "refused", status, detail: message } : { reason: "unreachable" };
        if (isFinal(status)) return this.#on.state({ state: "closed", ...end });
        this.#on.state({ state: "waiting", until: Date.now() + delay, ...end });
        await new Promise((resolve) => {
          this.#skip = resolve;
          setTimeout(resolve, delay);
        });
      }
    }
  }

  /** @throws Error with the server's reason. */
  async send(message) {
    const turn = { message, askedAt: new Date().toISOString(), endedAt: null, events: [] };
    this.turns.push(turn); // before the request: the first event may arrive before its response
    // The same message again after a lost answer: the agent answers it once.
    const repeats = this.#unanswered?.message === message;
    if (!repeats) this.#unanswered = { key: newId(), message };
    try {
      await post(`/message/${encodeURIComponent(this.id)}`, { content: message }, this.#unanswered.key);
      this.#unanswered = undefined;
    } catch (error) {
      this.turns = this.turns.filter((other) => other !== turn);
      throw error;
    }
    if (repeats) await this.open(); // the history contains the turn, once
    return turn;
  }

  /** Skips the wait before the next attempt. Opens the session again if its stream was closed. */
  reconnect() {
    if (this.#opening) this.#skip();
    else if (this.#client && this.#client.state.state !== "closed") this.#client.reconnect();
    else this.open();
  }

  #listen(position) {
    const client = (this.#client = openStream(`${streamApi}/stream/${encodeURIComponent(this.id)}`, {
      lastEventId: position,
    }));
    client.on("*", (message) => {
      if (client !== this.#client) return;
      if (message.type === "resync") return void this.open();
      const event = message.json();
      if (!EVENTS.includes(event.type)) return; // a control frame, such as the notice that a token expires
      // The agent answers messages one at a time, in order.
      const turn = this.turns.find(({ endedAt }) => !endedAt);
      if (!turn) return void this.open(); // another reader sent a message: read it from the history
      if (event.type === "message_end") turn.endedAt = new Date().toISOString();
      else turn.events.push(event);
      this.#on.event(turn, event);
      if (event.type === "message_end") this.#times();
    });
    client.onState((state) => client === this.#client && this.#on.state(state));
  }

  // Takes the times from the server's clock, so that all readers show the same duration.
  async #times() {
    try {
      const response = await this.#read();
      if (!response.ok) return;
      const { turns } = await response.json();
      if (turns.length !== this.turns.length) return void this.open();
      turns.forEach(({ message, askedAt, endedAt }, i) =>
        Object.assign(this.turns[i], { message, askedAt, endedAt: endedAt ?? this.turns[i].endedAt }),
      );
      this.#on.times();
    } catch {
      /* the times of this page's clock stay */
    }
  }

  #read() {
    return fetch(`${streamApi}/session/${encodeURIComponent(this.id)}`, {
      cache: "no-store",
      signal: AbortSignal.timeout(10_000),
    });
  }
}

async function post(path, body, key) {
  const response = await fetch(`${streamApi}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(key !== undefined && { "Idempotency-Key": key }) },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  });
  if (!response.ok) throw await refusalOf(response);
  return response;
}
