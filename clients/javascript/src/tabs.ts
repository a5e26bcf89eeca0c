import { SseClient, type SseClientOptions } from "./client.js";
import { Emitter, type EventTypes } from "./emitter.js";
import type { ServerSentEvent } from "./parser.js";
import type { ClientState } from "./state.js";
import { whileHidden } from "./visibility.js";

export interface ShareOptions extends Omit<SseClientOptions, "signal" | "manual"> {
  /** Tabs with the same name share one connection. Default: the URL. */
  name?: string;
  signal?: AbortSignal;
}

// Messages between tabs. `seen` counts the events that changed the id; the stream is ordered, so every leader counts
// alike.
type TabMessage =
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

// Control events differ between replays, so they are not counted.
const CONTROL = ["connected", "resync", "skipped"];

// Milliseconds to hold the lock after the stream's end, so that the other tabs receive the end before one of them
// connects.
const RELEASE_DELAY = 250;

interface Membership {
  readonly channel: BroadcastChannel | undefined;
  turn: AbortController | undefined; // while this tab leads or waits to lead
  client: SseClient | undefined; // while this tab leads
  behind: { client: SseClient; id: string; seen: number } | undefined; // while this tab reads missed events up to `id`
}

/**
 * Shares one connection between all tabs of this origin. The tab with the Web Lock leads: it holds the connection and
 * broadcasts each event by BroadcastChannel. When it closes, the next tab resumes after the last event it has seen, so
 * no tab loses an event or gets one twice.
 *
 * With `pauseWhenHidden`, a hidden tab does not lead; without a visible tab there is no connection. Without Web Locks
 * (in an insecure context) each tab has its own connection.
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
        if (hidden) this.#stopLeading();
        else this.#queue();
      }),
    );
    if (typeof addEventListener !== "function") return;
    // A page in the back/forward cache does not lead; it resumes when it is shown again.
    const hide = () => this.#leave();
    const show = (event: Event) => (event as PageTransitionEvent).persisted && this.#join();
    addEventListener("pagehide", hide);
    addEventListener("pageshow", show);
    this.#detach.push(
      () => removeEventListener("pagehide", hide),
      () => removeEventListener("pageshow", show),
    );
  }

  /** True while this tab holds the connection. */
  get leads(): boolean {
    return this.#joined?.client !== undefined;
  }

  get lastEventId(): string {
    return this.#id;
  }

  /** Skips the wait before the next attempt, in the leading tab. */
  reconnect(): void {
    if (this.#joined?.client) this.#joined.client.reconnect();
    else this.#post({ kind: "reconnect" });
  }

  close(): void {
    this.#end({ state: "closed", reason: "closed" });
  }

  #end(state: ClientState): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leave(state.state === "closed" && state.reason !== "closed" ? RELEASE_DELAY : 0);
    for (const detach of this.#detach) detach();
    this.enter(state);
  }

  #join(): void {
    if (this.#joined || this.#closed) return;
    const locks = typeof navigator === "object" ? navigator.locks : undefined;
    const channel = locks && typeof BroadcastChannel === "function" ? new BroadcastChannel(this.#name) : undefined;
    const joined: Membership = (this.#joined = { channel, turn: undefined, client: undefined, behind: undefined });
    if (!channel) return this.#lead(joined);
    channel.onmessage = ({ data }: MessageEvent<TabMessage>) => this.#receive(data);
    if (!this.#hidden) return this.#queue();
    channel.postMessage({ kind: "hello" } satisfies TabMessage);
  }

  // Waits for the lock, then leads.
  #queue(): void {
    const joined = this.#joined;
    if (!joined?.channel || joined.turn) return;
    const turn = (joined.turn = new AbortController());
    joined.channel.postMessage({ kind: "hello" } satisfies TabMessage);
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

  // Stops leading but keeps listening, so that no event of the next leader is missed.
  #stopLeading(): void {
    const joined = this.#joined;
    if (!joined?.channel) return;
    const { client, turn } = joined;
    joined.client = joined.turn = undefined;
    client?.close();
    endCatchUp(joined);
    turn?.abort();
    if (client) this.enter({ state: "paused" });
  }

  #leave(after = 0): void {
    const joined = this.#joined;
    this.#joined = undefined;
    joined?.client?.close();
    if (joined) endCatchUp(joined);
    joined?.channel?.close();
    if (after > 0) setTimeout(() => joined?.turn?.abort(), after);
    else joined?.turn?.abort();
  }

  #connect(shares: boolean): SseClient {
    const { pauseWhenHidden, ...options } = this.#options; // handled by this class, unless it cannot share
    return new SseClient(this.#url, {
      ...options,
      pauseWhenHidden: shares ? false : pauseWhenHidden,
      signal: undefined,
      lastEventId: this.#id,
    });
  }

  #lead(joined: Membership): void {
    endCatchUp(joined);
    const client = (joined.client = this.#connect(!!joined.channel));
    client.on("*", ({ type, data, id }) => {
      if (joined !== this.#joined || client !== joined.client) return;
      const moved = id !== this.#id && !CONTROL.includes(type);
      if (moved) this.#seen++;
      this.#id = id;
      this.#post({ kind: "event", event: { type, data, id }, seen: this.#seen, moved });
      this.#deliver({ type, data, id });
    });
    client.onState((state) => {
      if (joined !== this.#joined || client !== joined.client) return;
      this.#postState(state);
      if (state.state === "closed")
        this.#end(state); // the end applies to all tabs
      else this.enter(state);
    });
  }

  // A tab that was frozen has missed events: it reads them itself until it has caught up with the leader.
  #catchUp(joined: Membership, id: string, seen: number): void {
    const known = joined.behind;
    if (known) return void Object.assign(known, { id, seen });
    const client = this.#connect(true);
    const behind = (joined.behind = { client, id, seen });
    client.on("*", (event) => {
      if (joined.behind !== behind || event.type === "connected") return;
      this.#id = event.id;
      this.#deliver({ type: event.type, data: event.data, id: event.id });
      if (event.id !== behind.id && event.type !== "resync") return;
      [this.#seen, this.#id] = [behind.seen, behind.id];
      endCatchUp(joined);
    });
  }

  #receive(message: TabMessage): void {
    const joined = this.#joined;
    if (!joined) return;
    if (message.kind === "hello") {
      if (this.leads) this.#postState(this.state);
    } else if (message.kind === "reconnect") {
      if (this.leads) this.reconnect();
    } else if (this.leads) {
      // A late message of the previous leader.
    } else if (message.kind === "state") {
      if (this.#seen === 0 && this.#id === "")
        [this.#seen, this.#id] = [message.seen, message.id]; // a new tab
      else if (message.seen > this.#seen && message.id !== this.#id && !this.#hidden)
        this.#catchUp(joined, message.id, message.seen);
      if (message.connected !== undefined && message.connected !== this.#connected)
        this.#deliver({ type: "connected", data: message.connected, id: this.#id });
      if (message.state.state === "closed") this.#end(message.state);
      else this.enter(message.state);
    } else if (joined.behind || (message.moved && message.seen > this.#seen + 1)) {
      this.#catchUp(joined, message.event.id, message.seen);
    } else if (
      message.event.type === "resync" ||
      message.seen > this.#seen ||
      (message.seen === this.#seen && !message.moved)
    ) {
      this.#seen = message.seen;
      this.#id = message.event.id;
      this.#deliver(message.event);
    }
  }

  #deliver(event: ServerSentEvent): void {
    if (event.type === "connected") this.#connected = event.data;
    this.emit(event);
  }

  #postState(state: ClientState): void {
    this.#post({ kind: "state", state, id: this.#id, seen: this.#seen, connected: this.#connected });
  }

  #post(message: TabMessage): void {
    this.#joined?.channel?.postMessage(message);
  }
}

function endCatchUp(joined: Membership): void {
  joined.behind?.client.close();
  joined.behind = undefined;
}
