import { CatchUp, countBefore, type Mark, type Position } from "./catch-up.js";
import { SseClient, type SseClientOptions } from "./client.js";
import { Emitter, type EventTypes } from "./emitter.js";
import type { ServerSentEvent } from "./parser.js";
import type { ClientState } from "./state.js";
import { nameOf, type TabMessage } from "./tab-messages.js";
import { whileHidden } from "./visibility.js";

export interface ShareOptions extends Omit<SseClientOptions, "signal" | "manual" | "onPosition"> {
  /**
   * Tabs with the same name share one connection, so the name must differ between users and requests. Default: the
   * URL, method and body. Required with `token`, `ticket` or `headers`: two tabs may have two users.
   */
  name?: string;
  signal?: AbortSignal;
}

// Control events differ between replays, so they are not counted. After a gap the leader's events are no longer those
// of another replay, so it begins a new run.
const CONTROL = ["connected", "resync", "skipped"];
const GAPS = ["resync", "skipped"];

// Milliseconds to hold the lock after the stream's end, so that the other tabs receive the end before one of them
// connects.
const RELEASE_DELAY = 250;

interface Membership {
  readonly channel: BroadcastChannel | undefined;
  turn: AbortController | undefined; // while this tab leads or waits to lead
  client: SseClient | undefined; // while this tab leads
  behind: { readonly client: SseClient; readonly until: CatchUp } | undefined; // while this tab reads missed events
}

/**
 * Shares one connection between all tabs of this origin. The tab with the Web Lock leads: it holds the connection and
 * broadcasts each event by BroadcastChannel. When it closes, the next tab resumes after the last event it has seen, so
 * no open tab loses an event or gets one twice. A tab that opens later gets only later events, also of a stream that
 * sends each connection its beginning: do not share an answer or a run. A tab that has missed events reads them over a
 * connection of its own; if the server refuses that, the tab gets a `resync` with reason `missed`. Not for a `POST`
 * without event ids, because the next leader would start its work again.
 *
 * With `pauseWhenHidden`, a hidden tab does not lead; without a visible tab there is no connection. Without Web Locks
 * (in an insecure context or a sandbox) each tab has its own connection.
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
  #run = "";
  #seen = 0;
  #id: string; // of the last event
  #resume: string; // the same, or the id of a later frame without an event
  #connected: string | undefined;
  #joined: Membership | undefined;
  #closed = false;
  #hidden = false;
  #detach: (() => void)[] = [];

  constructor(url: string, options: ShareOptions) {
    super();
    this.#url = url;
    this.#options = options;
    this.#id = this.#resume = options.lastEventId ?? "";
    this.#name = nameOf(url, options);

    const { signal } = options;
    if (signal?.aborted) {
      this.close();
      return;
    }

    const abort = () => this.close();
    signal?.addEventListener("abort", abort);
    queueMicrotask(() => this.#join());
    this.#detach.push(() => signal?.removeEventListener("abort", abort));

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

  /** Id to resume after: of the last event, or of a later frame with only an id. */
  get lastEventId(): string {
    return this.#resume;
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
    const channel = locks && typeof BroadcastChannel === "function" ? openChannel(this.#name) : undefined;
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
        if (error.name === "AbortError" || joined !== this.#joined) return;
        joined.channel?.close(); // the page may not use locks, for example in a sandbox
        this.#lead((this.#joined = { ...joined, channel: undefined }));
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

  #connect(shares: boolean, onPosition: (id: string) => void): SseClient {
    const { pauseWhenHidden, ...options } = this.#options; // handled by this class, unless it cannot share
    return new SseClient(this.#url, {
      ...options,
      pauseWhenHidden: shares ? false : pauseWhenHidden,
      signal: undefined,
      lastEventId: this.#resume,
      onPosition,
    });
  }

  #lead(joined: Membership): void {
    endCatchUp(joined);
    this.#run ||= newRun();

    const client = (joined.client = this.#connect(!!joined.channel, (id) => {
      if (client !== this.#joined?.client || id === this.#resume) return;
      this.#resume = id;
      this.#postState(this.state);
    }));

    client.on("*", ({ type, data, id }) => {
      if (joined !== this.#joined || client !== joined.client) return;

      const event = { type, data, id };
      const moved = this.#move(event);
      this.#post({ kind: "event", event, moved, run: this.#run, seen: this.#seen, id });

      if (GAPS.includes(type)) {
        this.#run = newRun();
        this.#postState(this.state); // a tab at this id takes the new run
      }

      this.#deliver(event);
    });

    client.onState((state) => {
      if (joined !== this.#joined || client !== joined.client) return;
      this.#postState(state);

      if (state.state === "closed")
        this.#end(state); // the end applies to all tabs
      else this.enter(state);
    });
  }

  /** Moves this tab's position to an event of its own connection. @returns true if the event counts. */
  #move({ type, id }: ServerSentEvent): boolean {
    const moved = id !== this.#id && !CONTROL.includes(type);
    if (moved) this.#seen++;
    this.#id = this.#resume = id;
    return moved;
  }

  #take({ run, seen, id }: Position): void {
    this.#run = run;
    this.#seen = seen;
    this.#id = id;
    this.#resume = id;
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
    } else if (message.kind === "event") {
      this.#follow(joined, message);
    } else {
      const { run, seen, id } = message;
      this.#follow(joined, { run, seen, id });
      if (!joined.behind && run === this.#run && seen === this.#seen) this.#resume = message.resume;

      if (message.connected !== undefined && message.connected !== this.#connected)
        this.#deliver({ type: "connected", data: message.connected, id: this.#id });

      if (joined !== this.#joined) return; // closed by a handler
      if (message.state.state !== "closed") return this.enter(message.state);

      // The end applies to this tab too, which cannot read what it has missed any more.
      if (this.#id !== "" && this.#id !== message.id) this.#miss(message.id);
      if (joined === this.#joined) this.#end(message.state);
    }
  }

  #follow(joined: Membership, mark: Mark): void {
    const { run, seen, id, event, moved } = mark;
    if (event?.type === "resync") {
      endCatchUp(joined); // the page reads its state again
      this.#take(mark);
      return this.#deliver(event);
    }

    if (joined.behind) return this.#meet(joined, joined.behind.until.addMark(mark));

    const before = countBefore(mark);
    if (run !== this.#run || before > this.#seen) {
      // A tab without a position starts at the leader's. At the same position both have the same events.
      if (this.#resume === "") this.#take({ run, seen: before, id: event ? "" : id });
      else if (this.#id === id) this.#take(mark);
      else return this.#catchUp(joined, mark);
    }

    if (!event || seen < this.#seen || (moved && seen === this.#seen)) return;

    this.#take(mark);
    this.#deliver(event);
  }

  // Reads what this tab has missed over its own connection, until that meets the leader. A hidden tab does so when it
  // is shown.
  #catchUp(joined: Membership, mark: Mark): void {
    if (this.#hidden) return;

    const client = this.#connect(true, (id) => joined.behind === behind && (this.#resume = id));
    const until = new CatchUp(this.#id, mark);
    const behind = (joined.behind = { client, until });
    client.on("*", ({ type, data, id }) => {
      if (joined.behind !== behind || type === "connected") return;
      const event = { type, data, id };
      const met = until.read(id, this.#move(event));
      this.#deliver(event);
      if (joined.behind === behind) this.#meet(joined, type === "resync" ? until.marks : met);
    });

    client.onState(({ state }) => {
      if (state !== "closed" || joined.behind !== behind) return;
      this.#miss(until.marks[0]!.id);
      if (joined.behind === behind) this.#meet(joined, until.marks);
    });
  }

  #miss(resumedFrom: string): void {
    const data = JSON.stringify({ reason: "missed", requested: this.#resume, resumedFrom });
    this.#deliver({ type: "resync", data, id: resumedFrom });
  }

  // Follows the leader again, from the first of its positions to the last.
  #meet(joined: Membership, marks: readonly Mark[] | undefined): void {
    if (!marks) return;

    endCatchUp(joined);

    for (const mark of marks) {
      if (joined !== this.#joined) return;
      this.#take(mark);
      if (mark.event) this.#deliver(mark.event);
    }
  }

  #deliver(event: ServerSentEvent): void {
    if (event.type === "connected") this.#connected = event.data;
    this.emit(event);
  }

  #postState(state: ClientState): void {
    const run = this.#run;
    const seen = this.#seen;
    const id = this.#id;
    this.#post({ kind: "state", state, run, seen, id, resume: this.#resume, connected: this.#connected });
  }

  #post(message: TabMessage): void {
    this.#joined?.channel?.postMessage(message);
  }
}

function endCatchUp(joined: Membership): void {
  const client = joined.behind?.client;
  joined.behind = undefined;
  client?.close();
}

// A browser that blocks a site's storage may refuse the channel.
function openChannel(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name);
  } catch {
    return undefined;
  }
}

const newRun = (): string => String(Math.random());
