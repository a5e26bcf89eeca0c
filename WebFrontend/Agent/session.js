import { newId } from "../Shared/ids.js";
import { refusalOf } from "../Shared/requests.js";
import { openState } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

const TIMEOUT = 10_000; // milliseconds for one request

/**
 * One session with the agent: reads its history, then streams from that position. Calls `on.showAll()`,
 * `on.event(turn, event)`, `on.times()`, `on.state(state)` and, if the server has no such session, `on.missing()`.
 */
export class Session {
  turns = []; // { message, askedAt, endedAt, events }
  #on;
  #stream;
  #opening; // the running open()
  #unanswered; // { key, message } of the last message until its answer is known

  constructor(id, on) {
    this.id = id;
    this.#on = on;
  }

  /** @throws Error with the server's reason. */
  static async begin(chosen) {
    const response = await post("/session", chosen);
    return (await response.json()).session_id;
  }

  /** Shows the history, then its events. Resolves when it is shown or refused; a call during another one joins it. */
  open() {
    return (this.#opening ??= new Promise((resolve) => this.#follow(resolve)).finally(() => {
      this.#opening = undefined;
    }));
  }

  #follow(opened) {
    this.#stream?.close();
    const stream = (this.#stream = openState(`/stream/${encodeURIComponent(this.id)}`, {
      read: (request) => fetch(this.#address, request),
      show: async (response) => {
        ({ turns: this.turns } = await response.json());
        this.#on.showAll();
        opened();
      },
    }));

    stream.on("message", (message) => stream === this.#stream && this.#receive(message.json()));
    stream.onState((now) => {
      if (stream !== this.#stream) return;
      if (now.state === "closed") opened();
      if (now.state === "closed" && now.status === 404) this.#on.missing();
      else this.#on.state(now);
    });
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
    if (this.#stream?.state.state === "closed") this.open();
    else this.#stream?.reconnect();
  }

  #receive(event) {
    // The agent answers messages one at a time, in order.
    const turn = this.turns.find(({ endedAt }) => !endedAt);
    if (!turn) return void this.open(); // another reader sent a message: read it from the history

    if (event.type === "message_end") turn.endedAt = new Date().toISOString();
    else turn.events.push(event);

    this.#on.event(turn, event);
    if (event.type === "message_end") this.#times();
  }

  // Takes the times from the server's clock, so that all readers show the same duration.
  async #times() {
    try {
      const response = await fetch(this.#address, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
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

  get #address() {
    return `${streamApi}/session/${encodeURIComponent(this.id)}`;
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
