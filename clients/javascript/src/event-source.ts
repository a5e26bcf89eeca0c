import { SseClient, type SseClientOptions } from "./client.js";

// Typed like the browser's EventSource.
const Target = EventTarget as new () => Pick<EventSource, "addEventListener" | "removeEventListener" | "dispatchEvent">;

/**
 * An {@link SseClient} with the interface of the browser's `EventSource`, for libraries that expect one. It adds
 * headers, POST, backoff and a watchdog, and retries after `429` and `5xx`.
 */
export class SseEventSource extends Target implements EventSource {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSED = 2;

  readonly url: string;
  readonly withCredentials: boolean;
  readonly client: SseClient;

  onopen: EventSource["onopen"] = null;
  onmessage: EventSource["onmessage"] = null;
  onerror: EventSource["onerror"] = null;

  constructor(url: string | URL, { withCredentials = false, ...options }: EventSourceInit & SseClientOptions = {}) {
    super();
    this.url = typeof location === "object" ? new URL(url, location.href).href : String(url);
    const { origin } = new URL(this.url); // throws for a relative address outside a page, before there is a client
    this.withCredentials = withCredentials;

    this.client = new SseClient(this.url, {
      ...options,
      credentials: withCredentials ? "include" : options.credentials,
    });

    this.client.on("*", ({ type, data, id }) => this.#fire(new MessageEvent(type, { data, lastEventId: id, origin })));
    let before: string | undefined;
    this.client.onState(({ state, ...rest }) => {
      const opens = state === "open" && before !== "open";
      before = state;

      if (opens) this.#fire(new Event("open"));
      else if (state === "waiting" || (state === "closed" && (rest as { reason: string }).reason !== "closed"))
        this.#fire(new Event("error"));
    });
  }

  get readyState(): 0 | 1 | 2 {
    const { state } = this.client.state;
    return state === "open" ? this.OPEN : state === "closed" ? this.CLOSED : this.CONNECTING;
  }

  close(): void {
    this.client.close();
  }

  #fire(event: Event): void {
    this.dispatchEvent(event);
    (this.#handlerOf(event.type) as EventSource["onerror"])?.call(this, event);
  }

  #handlerOf(type: string) {
    if (type === "open") return this.onopen;
    if (type === "error") return this.onerror;
    return type === "message" ? this.onmessage : null;
  }
}
