import { backoff, type BackoffOptions } from "./backoff.js";
import { call, Emitter, type EventTypes } from "./emitter.js";
import { EventStreamParser, EventTooLarge, type ServerSentEvent } from "./parser.js";
import {
  check,
  type End,
  isStream,
  latin1,
  type PerConnection,
  refusal,
  resolve,
  SAFE,
  sendable,
  Unusable,
  withTicket,
} from "./request.js";
import { follow, secretsOf } from "./redirects.js";
import type { Reason } from "./state.js";
import { LONGEST_TIMER, whileHidden } from "./visibility.js";

export interface SseClientOptions extends BackoffOptions {
  /** Default `GET`; `POST` with a body. */
  method?: string;
  headers?: PerConnection<HeadersInit | undefined>;
  /** Sent with each connection. The server resumes by the last event id and does not repeat work. */
  body?: string;
  /**
   * Repeats a request that has no last event id. Default: only if its method is safe (`GET`, `HEAD`, `OPTIONS`,
   * `QUERY`), because a repeated `POST` would start its work again.
   */
  resendWithoutId?: boolean;
  /**
   * Sent as `Authorization: Bearer …`; none if it is empty or undefined. Functions (also of `ticket`, `headers`) are
   * called for each connection, and once more after a `401` to what they returned.
   */
  token?: PerConnection<string | undefined>;
  /** Sent as `?ticket=…`. One that another connection has taken over (`unauthorized`, `replaced`) is not sent again. */
  ticket?: PerConnection<string | undefined>;
  /** Id of the last event received; the stream starts after it. Default: live events only. */
  lastEventId?: string;
  /** Milliseconds without any byte before a connection counts as lost; 0 disables. Default 45,000. */
  heartbeat?: number;
  /**
   * Milliseconds without any byte after which the state `open` says so with `quietSince`, until the next byte; 0 (the
   * default): never. The server sends a comment after 15 s without an event.
   */
  quietAfter?: number;
  /** Milliseconds to wait for functions and response headers; 0: as long as `heartbeat`. Default 15,000. */
  connectTimeout?: number;
  /** Characters of an event; a longer one ends the stream. Default 16,777,216. */
  maxEventLength?: number;
  /**
   * Disconnects while the tab is hidden and resumes from the last id when it is shown. A number delays the
   * disconnection by that many milliseconds. A request that must not be repeated stays connected.
   */
  pauseWhenHidden?: boolean | number;
  /** Called with a new last event id, after its event's handlers, and for frames with only an id. */
  onPosition?: (lastEventId: string) => void;
  /** Closes the client. */
  signal?: AbortSignal;
  credentials?: RequestCredentials;
  /** Does not connect until `open()`. */
  manual?: boolean;
  /** Default: the global `fetch`. */
  fetch?: typeof fetch;
}

const STABLE = 5_000; // milliseconds after which a connection counts as successful even if no event came
const NOT_STARTED = [408, 425, 429, 503]; // statuses of a server that has not begun the work
const TAKEN = new Error("Another connection uses the ticket. Each stream needs its own.");
const NO_SUCCESS = ["connected", "unauthorized"]; // events of a server that cuts the connection at once, too
const LOST: readonly Reason[] = ["unreachable", "broken", "silent"];

/**
 * A stream that reconnects and resumes. Each event reaches the handlers once and in the server's order. The client
 * waits longer after each failed attempt, and stops when the server answers `204`. A `POST` without event ids is sent
 * once: its end or its loss closes the client, because a second request would start the work again.
 */
export class SseClient<Events extends EventTypes = {}> extends Emitter<Events> {
  #url: string;
  #options: SseClientOptions;
  #parser: EventStreamParser;
  #attempt = 0;
  #running = false;
  #closed = false;
  #hidden = false;
  #sent = false; // the request of the latest attempt, which may have reached the server
  #begun = false; // the latest attempt may have begun the work: the server redirected it, perhaps to a GET
  #ticket: string | undefined; // of the latest attempt
  #taken = false; // another connection uses that ticket
  #abort: AbortController | undefined;
  #wake: (() => void) | undefined;
  #detach: (() => void)[] = [];

  constructor(url: string | URL, options: SseClientOptions = {}) {
    super();

    if (!((options.initial ?? 1) > 0 && (options.max ?? 1) > 0))
      throw new RangeError("initial and max must be above zero.");

    this.#url = String(url);
    this.#options = options;
    this.#parser = new EventStreamParser(options.lastEventId);
    const { signal } = options;
    if (signal?.aborted) this.close();
    else this.#listen(signal, "abort", () => this.close());

    // Connect after the caller has added handlers.
    if (!options.manual) queueMicrotask(() => this.open());
  }

  /** Id of the last event; "" before the first. A reconnection resumes after it. */
  get lastEventId(): string {
    return this.#parser.lastEventId;
  }

  get url(): string {
    return this.#url;
  }

  /** Connects, unless already connected or closed. */
  open(): void {
    if (this.#running || this.#closed) return;

    this.#running = true;
    this.#listen(globalThis, "online", () => this.#retryLost());

    this.#detach.push(
      whileHidden(this.#options.pauseWhenHidden, (hidden) => {
        this.#hidden = hidden;
        if (!hidden) this.#retryLost();
        else if (this.#mayResume()) this.#abort?.abort();
      }),
    );

    void this.#run();
  }

  /** Skips the wait before the next attempt. */
  reconnect(): void {
    this.#wake?.();
  }

  // The network or the page is back. A time that the server has asked for still holds.
  #retryLost(): void {
    const now = this.state;
    if (now.state === "paused" || (now.state === "waiting" && LOST.includes(now.reason))) this.reconnect();
  }

  /** Ends the connection and makes another after a wait. No later event of this one is delivered. @internal */
  protected drop(reason: Reason): void {
    this.#abort?.abort(reason);
  }

  /** Sets the position that the next connection resumes after. @internal */
  protected startAfter(lastEventId: string): void {
    this.#parser = new EventStreamParser(lastEventId, this.#parser.retry);
  }

  /** Runs before each request. @returns a refusal in place of the stream's own response. @internal */
  protected async prepare(_headers: Headers, _signal: AbortSignal): Promise<Response | undefined> {
    return undefined;
  }

  /** Ends the stream for good. */
  close(): void {
    this.#finish({ reason: "closed" });
  }

  #finish({ reason, status, detail }: End, cause?: Reason): void {
    if (this.#closed) return;

    this.#closed = true;
    this.#abort?.abort();
    this.#wake?.();
    for (const detach of this.#detach) detach();
    this.enter({ state: "closed", reason, status, detail, cause });
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#hidden) {
        this.enter({ state: "paused" });
        await this.#wait();
        continue;
      }

      this.enter({ state: "connecting", attempt: this.#attempt });
      if (this.#closed) return; // by a watcher

      const end = await this.#connect();
      if (this.#closed) return;
      if (end.final || !this.#mayRepeat(end)) return this.#finish(end);
      if (this.#hidden) continue;

      const { maxRetries = Infinity } = this.#options;
      if (maxRetries === 0 && end.reason === "ended") return this.#finish(end);
      if (this.#attempt >= maxRetries) return this.#finish({ ...end, reason: "gave-up" }, end.reason);

      const delay = backoff(this.#attempt++, this.#parser.retry, this.#options, end.after);
      this.enter({
        state: "waiting",
        attempt: this.#attempt,
        until: Date.now() + delay,
        reason: end.reason,
        status: end.status,
        detail: end.detail,
      });

      await this.#wait(delay);
    }
  }

  #mayRepeat({ status }: End): boolean {
    return !this.#sent || this.#mayResume() || (!this.#begun && NOT_STARTED.includes(status!));
  }

  #mayResume(): boolean {
    return this.lastEventId !== "" || (this.#options.resendWithoutId ?? SAFE.includes(this.#method));
  }

  get #method(): string {
    const { method, body } = this.#options;
    return method?.toUpperCase() ?? (body === undefined ? "GET" : "POST");
  }

  async #wait(delay?: number): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    const timer = delay === undefined ? undefined : setTimeout(this.#wake!, Math.min(delay, LONGEST_TIMER));
    await woken;
    clearTimeout(timer);
  }

  // Runs one connection from request to end.
  async #connect(): Promise<End> {
    const abort = (this.#abort = new AbortController());
    const { heartbeat = 45_000, connectTimeout = 15_000, maxEventLength, quietAfter = 0, onPosition } = this.#options;
    let opened = 0;

    this.#sent = this.#begun = false;
    let silent = false;
    const watchdog = new Timer();
    const quiet = new Timer();

    const watch = (limit: number) =>
      watchdog.start(limit, () => {
        silent = true;
        abort.abort();
      });

    const received = () => {
      watch(heartbeat);
      if (this.state.state === "open" && this.state.quietSince !== undefined) this.enter({ state: "open" });
      const at = Date.now();
      quiet.start(quietAfter, () => this.enter({ state: "open", quietSince: at }));
    };

    try {
      watch(connectTimeout > 0 ? connectTimeout : heartbeat);
      const response = await this.#request(abort.signal);
      if (!isStream(response)) return await refusal(response);

      // A new parser drops the partial event of the lost connection.
      const { lastEventId, retry } = this.#parser;
      let reported = lastEventId;
      const parser = (this.#parser = new EventStreamParser(lastEventId, retry, maxEventLength));

      opened = Date.now();
      this.enter({ state: "open" });
      received();

      for (const reader = response.body!.getReader(); ; ) {
        const { done, value } = await reader.read();

        // Some proxies make a whole body of one that broke.
        if (done) return { reason: parser.isWithinEvent ? "broken" : "ended" };

        received();
        abort.signal.throwIfAborted(); // closed by a watcher, or a caller's `fetch` ignores the signal

        // Stops with a handler that closes: the position must not pass events that nobody gets.
        parser.push(value, (event) => {
          if (isPosition(event)) return true;
          this.#taken ||= isReplaced(event);
          this.emit(event);
          if (abort.signal.aborted) return false;
          if (!NO_SUCCESS.includes(event.type)) this.#attempt = 0;
          return true;
        });

        if (reported === parser.lastEventId || abort.signal.aborted) continue;

        reported = parser.lastEventId;
        if (onPosition) call(onPosition, reported);
      }
    } catch (error) {
      const detail = silent ? undefined : String((error as Error)?.message ?? error);
      if (error instanceof EventTooLarge) return { reason: "too-large", detail, final: true };
      if (error === TAKEN) return { reason: "refused", status: 401, detail: TAKEN.message, final: true };
      if (error instanceof Unusable) return { reason: error.reason, detail, final: true };
      if (typeof abort.signal.reason === "string") return { reason: abort.signal.reason as Reason }; // dropped

      if (opened === 0) return { reason: "unreachable", detail };
      return { reason: silent ? "silent" : "broken", detail };
    } finally {
      watchdog.stop();
      quiet.stop();
      abort.abort();
      if (opened > 0 && !silent && Date.now() - opened > STABLE) this.#attempt = 0;
    }
  }

  async #request(signal: AbortSignal): Promise<Response> {
    const { headers, body, token, ticket, credentials, fetch: send = fetch } = this.#options;
    for (let first = true; ; first = false) {
      const next = (await resolve(ticket, signal)) || undefined;
      if (this.#taken && next === this.#ticket) throw TAKEN;

      this.#taken = false;
      this.#ticket = next;
      const own = await resolve(headers, signal);
      const sent = sendable(() => new Headers(own));
      const secrets = secretsOf(sent);
      const bearer = await resolve(token, signal);
      if (bearer) sendable(() => sent.set("Authorization", `Bearer ${bearer}`));

      // Without a credential, a repetition would be refused as this request was.
      const mayRenew = [own && headers, bearer && token, next && ticket].some((value) => typeof value === "function");
      const refused = await this.prepare(new Headers(sent), signal);

      if (!sent.has("accept")) sent.set("Accept", "text/event-stream");
      if (body !== undefined && !sent.has("content-type")) sent.set("Content-Type", "application/json");
      if (this.lastEventId !== "") sent.set("Last-Event-ID", latin1(this.lastEventId));
      signal.throwIfAborted();
      this.#sent = true;
      const address = next === undefined ? this.#url : withTicket(this.#url, next);
      const init = { method: this.#method, headers: sent, body, signal, credentials, cache: "no-store" } as const;

      // A `fetch` of the caller may know addresses that the global one does not.
      check(this.#options.fetch ? "http://localhost" : address, init);
      const [response, redirected] = refused ? [refused, false] : await follow(send, address, init, secrets);
      this.#begun = redirected;
      if (response.status !== 401 || !mayRenew || !first || (this.#begun && !this.#mayResume())) return response;

      await response.body?.cancel();
      this.#sent = false;
    }
  }

  #listen(target: unknown, type: string, listener: () => void): void {
    const { addEventListener, removeEventListener } = (target ?? {}) as EventTarget;
    if (!addEventListener) return;
    addEventListener.call(target, type, listener);
    this.#detach.push(() => removeEventListener.call(target, type, listener));
  }
}

class Timer {
  #running: ReturnType<typeof setTimeout> | undefined;

  /** Starts anew; 0: does not run. */
  start(milliseconds: number, then: () => void): void {
    this.stop();
    if (milliseconds > 0) this.#running = setTimeout(then, Math.min(milliseconds, LONGEST_TIMER));
  }

  stop(): void {
    clearTimeout(this.#running);
  }
}

// An event with which the server only tells where the stream is.
const isPosition = ({ type, data }: ServerSentEvent): boolean =>
  (type === "begin" && data === '{"type":"begin"}') || (type === "position" && data === "{}");

const isReplaced = ({ type, data }: ServerSentEvent): boolean =>
  type === "unauthorized" && /"reason"\s*:\s*"replaced"/.test(data);
