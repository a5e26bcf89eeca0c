import { SseClient, type SseClientOptions } from "./client.js";
import { Emitter, type EventTypes } from "./emitter.js";
import type { ServerSentEvent } from "./parser.js";
import type { ClientState } from "./state.js";
import { whileHidden } from "./visibility.js";

export interface ShareOptions extends Omit<SseClientOptions, "signal" | "manual"> {
  /** Tabs with the same name share one connection. Default: the address. */
  name?: string;
  signal?: AbortSignal;
}

// What the leader says. `seen` counts the events that moved the id: the stream has one order, so whoever leads counts the same.
type Said =
  | { readonly kind: "event"; readonly event: ServerSentEvent; readonly seen: number; readonly moved: boolean }
  | {
      readonly kind: "state";
      readonly state: ClientState;
      readonly id: string;
      readonly seen: number;
      readonly connected: string | undefined;
    }
  | { readonly kind: "hello" }
  | { readonly kind: "reconnect" };

// The stream's own frames: a replay brings others, so they are not counted.
const CONTROL = ["connected", "resync", "skipped"];

// Milliseconds that the lock is kept after the server's last word, so that the next tab hears it before it asks again.
const TOLD = 250;

interface Membership {
  readonly channel: BroadcastChannel | undefined;
  turn: AbortController | undefined; // while this tab leads, or waits for that
  client: SseClient | undefined; // while this tab leads
  behind: { client: SseClient; id: string; seen: number } | undefined; // while it reads what it missed itself, up to there
}

/**
 * One connection for all tabs of this origin. The tab that holds the Web Lock leads: it has the connection and passes each event on by
 * BroadcastChannel. When it is closed the next one goes on after the last event that it saw itself, so nothing is lost, and what some
 * tab had seen before is not told there twice. With `pauseWhenHidden` a hidden tab does not lead: it hears what another one that is shown
 * passes on, and where all are hidden there is no connection until one is shown. Without Web Locks (no secure context) each tab has a
 * connection of its own.
 */
export function shareAcrossTabs<Events extends EventTypes = {}>(
  url: string | URL,
  options: ShareOptions = {},
): SharedStream<Events> {
  return new SharedStream<Events>(String(url), options);
}

export class SharedStream<Events extends EventTypes = {}> extends Emitter<Events> {
  #url: string;
  #options: ShareOptions;
  #name: string;
  #id: string;
  #seen = 0;
  #connected: string | undefined;
  #joined: Membership | undefined;
  #closed = false;
  #hidden = false;
  #detach: (() => void)[] = [];

  constructor(url: string, options: ShareOptions) {
    super();
    this.#url = url;
    this.#options = options;
    this.#id = options.lastEventId ?? "";
    this.#name = `sse ${options.name ?? url}`;
    options.signal?.addEventListener("abort", () => this.close());
    if (options.signal?.aborted) this.close();
    else queueMicrotask(() => this.#join());
    this.#detach.push(
      whileHidden(options.pauseWhenHidden, (hidden) => {
        this.#hidden = hidden;
        if (hidden) this.#rest();
        else this.#queue();
      }),
    );
    if (typeof addEventListener !== "function") return;
    // A page in the back/forward cache, or going away, leads nobody; shown again it goes on where it stopped.
    const hide = () => this.#leave();
    const show = (event: Event) => (event as PageTransitionEvent).persisted && this.#join();
    addEventListener("pagehide", hide);
    addEventListener("pageshow", show);
    this.#detach.push(
      () => removeEventListener("pagehide", hide),
      () => removeEventListener("pageshow", show),
    );
  }

  /** Whether this tab has the connection. */
  get leads(): boolean {
    return this.#joined?.client !== undefined;
  }

  get lastEventId(): string {
    return this.#id;
  }

  /** Ends the wait before the next attempt, whichever tab has the connection. */
  reconnect(): void {
    if (this.#joined?.client) this.#joined.client.reconnect();
    else this.#say({ kind: "reconnect" });
  }

  close(): void {
    this.#end({ state: "closed", reason: "closed" });
  }

  #end(state: ClientState): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leave(state.state === "closed" && state.reason !== "closed" ? TOLD : 0);
    for (const detach of this.#detach) detach();
    this.enter(state);
  }

  #join(): void {
    if (this.#joined || this.#closed) return;
    const locks = typeof navigator === "object" ? navigator.locks : undefined;
    const channel = locks && typeof BroadcastChannel === "function" ? new BroadcastChannel(this.#name) : undefined;
    const joined: Membership = (this.#joined = { channel, turn: undefined, client: undefined, behind: undefined });
    if (!channel) return this.#lead(joined);
    channel.onmessage = ({ data }: MessageEvent<Said>) => this.#hear(data);
    if (!this.#hidden) return this.#queue();
    channel.postMessage({ kind: "hello" } satisfies Said);
  }

  // Waits to lead, and leads then.
  #queue(): void {
    const joined = this.#joined;
    if (!joined?.channel || joined.turn) return;
    const turn = (joined.turn = new AbortController());
    joined.channel.postMessage({ kind: "hello" } satisfies Said);
    navigator.locks
      .request(
        this.#name,
        { signal: turn.signal },
        () =>
          new Promise<void>((released) => {
            if (this.#joined !== joined || turn.signal.aborted) return released();
            turn.signal.addEventListener("abort", () => released());
            this.#lead(joined);
          }),
      )
      .catch((error: Error) => {
        if (error.name !== "AbortError") throw error;
      });
  }

  // Leads no more, and goes on listening: whoever leads next is heard without a gap.
  #rest(): void {
    const joined = this.#joined;
    if (!joined?.channel) return;
    const { client, turn } = joined;
    joined.client = joined.turn = undefined;
    client?.close();
    level(joined);
    turn?.abort();
    if (client) this.enter({ state: "paused" });
  }

  #leave(after = 0): void {
    const joined = this.#joined;
    this.#joined = undefined;
    joined?.client?.close();
    if (joined) level(joined);
    joined?.channel?.close();
    if (after > 0) setTimeout(() => joined?.turn?.abort(), after);
    else joined?.turn?.abort();
  }

  #connect(shares: boolean): SseClient {
    const { pauseWhenHidden, ...options } = this.#options; // this class's own matter, but where it shares nothing
    return new SseClient(this.#url, {
      ...options,
      pauseWhenHidden: shares ? false : pauseWhenHidden,
      signal: undefined,
      lastEventId: this.#id,
    });
  }

  #lead(joined: Membership): void {
    level(joined);
    const client = (joined.client = this.#connect(!!joined.channel));
    client.on("*", ({ type, data, id }) => {
      if (joined !== this.#joined || client !== joined.client) return;
      const moved = id !== this.#id && !CONTROL.includes(type);
      if (moved) this.#seen++;
      this.#id = id;
      this.#say({ kind: "event", event: { type, data, id }, seen: this.#seen, moved });
      this.#tell({ type, data, id });
    });
    client.onState((state) => {
      if (joined !== this.#joined || client !== joined.client) return;
      this.#sayState(state);
      if (state.state === "closed")
        this.#end(state); // the server has no more, or will not: for no tab
      else this.enter(state);
    });
  }

  // A tab that was away, frozen or kept by the browser, has not heard everything: it asks for that itself, until it is level with the leader.
  #catchUp(joined: Membership, id: string, seen: number): void {
    const known = joined.behind;
    if (known) return void Object.assign(known, { id, seen });
    const client = this.#connect(true);
    const behind = (joined.behind = { client, id, seen });
    client.on("*", (event) => {
      if (joined.behind !== behind || event.type === "connected") return;
      this.#id = event.id;
      this.#tell({ type: event.type, data: event.data, id: event.id });
      if (event.id !== behind.id && event.type !== "resync") return;
      [this.#seen, this.#id] = [behind.seen, behind.id];
      level(joined);
    });
  }

  #hear(said: Said): void {
    const joined = this.#joined;
    if (!joined) return;
    if (said.kind === "hello") {
      if (this.leads) this.#sayState(this.state);
    } else if (said.kind === "reconnect") {
      if (this.leads) this.reconnect();
    } else if (this.leads) {
      // Another one led before; its last words came late.
    } else if (said.kind === "state") {
      if (this.#seen === 0 && this.#id === "")
        [this.#seen, this.#id] = [said.seen, said.id]; // this tab is new
      else if (said.seen > this.#seen && said.id !== this.#id && !this.#hidden)
        this.#catchUp(joined, said.id, said.seen);
      if (said.connected !== undefined && said.connected !== this.#connected)
        this.#tell({ type: "connected", data: said.connected, id: this.#id });
      if (said.state.state === "closed") this.#end(said.state);
      else this.enter(said.state);
    } else if (joined.behind || (said.moved && said.seen > this.#seen + 1)) {
      this.#catchUp(joined, said.event.id, said.seen);
    } else if (said.event.type === "resync" || said.seen > this.#seen || (said.seen === this.#seen && !said.moved)) {
      this.#seen = said.seen;
      this.#id = said.event.id;
      this.#tell(said.event);
    }
  }

  #tell(event: ServerSentEvent): void {
    if (event.type === "connected") this.#connected = event.data;
    this.emit(event);
  }

  #sayState(state: ClientState): void {
    this.#say({ kind: "state", state, id: this.#id, seen: this.#seen, connected: this.#connected });
  }

  #say(said: Said): void {
    this.#joined?.channel?.postMessage(said);
  }
}

function level(joined: Membership): void {
  joined.behind?.client.close();
  joined.behind = undefined;
}
