import { refusalOf } from "../Shared/requests.js";
import { openStream } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";

const AGAIN = 2_000;

/**
 * One session with the agent: its history from the server, then its stream from there. Turns are `{ message, askedAt, endedAt, events }`.
 * `on.whole()` when all is to be shown anew, `on.event(turn, event)`, `on.times()`, `on.state(state)`, `on.missing()`.
 */
export class Session {
  turns = [];
  #on;
  #client;

  constructor(id, on) {
    [this.id, this.#on] = [id, on];
  }

  /** @throws Error with what the server says. */
  static async begin(chosen) {
    const response = await post("/session", chosen);
    return (await response.json()).session_id;
  }

  /** Reads the history and streams on from it. */
  async open() {
    this.#client?.close();
    for (;;) {
      try {
        const response = await this.#read();
        if (response.status === 404) return this.#on.missing();
        if (!response.ok) throw new Error();
        ({ turns: this.turns } = await response.json());
        this.#on.whole();
        return this.#listen(response.headers.get("X-Sse-Position") ?? undefined);
      } catch {
        this.#on.state({ state: "waiting", until: Date.now() + AGAIN, reason: "unreachable" });
        await new Promise((resolve) => setTimeout(resolve, AGAIN));
      }
    }
  }

  /** @throws Error with what the server says. */
  async send(message) {
    const turn = { message, askedAt: new Date().toISOString(), endedAt: null, events: [] };
    this.turns.push(turn); // before it is sent: the answer may be quicker than the receipt
    try {
      await post(`/message/${this.id}`, { content: message });
    } catch (error) {
      this.turns = this.turns.filter((other) => other !== turn);
      throw error;
    }
    return turn;
  }

  reconnect() {
    if (this.#client?.state.state === "closed") this.open();
    else this.#client?.reconnect();
  }

  #listen(position) {
    const client = (this.#client = openStream(`${streamApi}/stream/${this.id}`, { lastEventId: position }));
    client.on("*", (message) => {
      if (client !== this.#client) return;
      if (message.type === "resync") return void this.open();
      const event = message.json();
      // Messages are answered one after the other.
      const turn = this.turns.find(({ endedAt }) => !endedAt);
      if (!turn) return void this.open(); // another reader has asked: the history says what
      if (event.type === "message_end") turn.endedAt = new Date().toISOString();
      else turn.events.push(event);
      this.#on.event(turn, event);
      if (event.type === "message_end") this.#times();
    });
    client.onState((state) => client === this.#client && this.#on.state(state));
  }

  // How long it took, by the server's clock: the same for all readers.
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
      /* this page's own clock stays */
    }
  }

  #read() {
    return fetch(`${streamApi}/session/${encodeURIComponent(this.id)}`, {
      cache: "no-store",
      signal: AbortSignal.timeout(10_000),
    });
  }
}

async function post(path, body) {
  const response = await fetch(`${streamApi}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  });
  if (!response.ok) throw await refusalOf(response);
  return response;
}
