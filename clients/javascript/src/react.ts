import { useCallback, useEffect, useRef, useState } from "react";
import { SseClient, type SseClientOptions } from "./client.js";
import type { Message } from "./message.js";
import { resolve } from "./request.js";
import type { ClientState } from "./state.js";

export interface UseSseOptions<Data> extends Omit<SseClientOptions, "signal" | "manual"> {
  /** Names of the events to collect. Default: all except control events. */
  events?: readonly string[];
  /** Names of the events that end the stream. Default `complete`, `done`, `end`. */
  terminal?: readonly string[];
  /** Number of newest items to keep; 0 keeps none. Default 1,000. */
  limit?: number;
  /** Parses the data. Default `JSON.parse`. */
  parse?: (data: string) => Data;
  /** Called for each event, including terminal and control events. */
  onEvent?: (message: Message) => void;
}

export interface UseSse<Data> {
  /** Oldest first. */
  readonly data: readonly Data[];
  readonly last: Data | undefined;
  /** True after a terminal event, after `204`, or after the end of a `POST` without event ids. */
  readonly complete: boolean;
  readonly state: ClientState;
  /**
   * The last error of `parse`, or the error that has closed the stream without `complete`: the server's fatal `error`
   * (with its `reason`), or a refusal or failure (with the `reason` and `status` of the state).
   */
  readonly error: unknown;
  readonly close: () => void;
  /** Skips the wait before the next attempt, or starts a closed stream anew. */
  readonly reconnect: () => void;
}

const CONTROL = ["connected", "resync", "skipped", "unauthorized", "error"]; // types that only the server sends
const TERMINAL = ["complete", "done", "end"];
const CONNECTING: ClientState = { state: "connecting", attempt: 0 };
const IDLE: ClientState = { state: "closed", reason: "closed" };

interface Collected<Data> {
  data: readonly Data[];
  complete: boolean;
  error: unknown;
}

/**
 * Reads a stream while the component is mounted; `null` reads none. The latest render's `token`, `ticket` and `headers`
 * are sent with the next connection, and its `events`, `parse` and `onEvent` apply at once; other options take effect
 * when the URL changes. Under StrictMode only the second mount sends a request.
 */
export function useSSE<Data = unknown>(
  url: string | null | undefined,
  options: UseSseOptions<Data> = {},
): UseSse<Data> {
  const [state, setState] = useState<ClientState>(url ? CONNECTING : IDLE);
  const [opening, setOpening] = useState(0);
  const [collected, setCollected] = useState<Collected<Data>>({ data: [], complete: false, error: undefined });
  const client = useRef<SseClient | undefined>(undefined);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });

  useEffect(() => {
    setCollected({ data: [], complete: false, error: undefined });
    setState(url ? CONNECTING : IDLE);
    if (!url) return;

    const { terminal = TERMINAL, limit = 1_000, ...rest } = latest.current;
    const opened = (client.current = new SseClient(url, { ...rest, ...credentials(latest), manual: true }));
    let waiting: Data[] = [];
    let scheduled = false;
    let gone = false;
    const flush = () => {
      scheduled = false;
      const fresh = waiting;
      waiting = [];

      if (!gone && fresh.length > 0)
        setCollected((before) => ({ ...before, data: limit > 0 ? [...before.data, ...fresh].slice(-limit) : [] }));
    };

    opened.on("*", (message) => {
      const { events, onEvent, parse = JSON.parse as (data: string) => Data } = latest.current;
      onEvent?.(message);

      if (terminal.includes(message.type) || message.data === "[DONE]") {
        flush();
        setCollected((before) => ({ ...before, complete: true }));
        return opened.close();
      }

      const error = fatalError(message);
      if (error) {
        flush();
        setCollected((before) => ({ ...before, error }));
        return opened.close();
      }

      if (events ? !events.includes(message.type) : CONTROL.includes(message.type)) return;

      try {
        waiting.push(parse(message.data));
      } catch (error) {
        return setCollected((before) => ({ ...before, error }));
      }

      if (scheduled) return;

      scheduled = true; // one render per burst
      queueMicrotask(flush);
    });

    opened.onState((now) => {
      setState(now);
      if (now.state !== "closed" || now.reason === "closed") return;

      if (now.reason === "nothing-more" || now.reason === "ended")
        return setCollected((before) => ({ ...before, complete: true }));

      const { reason, status, detail } = now;
      const error = Object.assign(new Error(detail ?? reason), { reason, status });
      setCollected((before) => ({ ...before, error }));
    });

    // StrictMode mounts twice in the same task: only the remaining mount connects.
    queueMicrotask(() => !gone && opened.open());

    return () => {
      gone = true;
      opened.close();
      client.current = undefined;
    };
  }, [url, opening]);

  const close = useCallback(() => client.current?.close(), []);
  const reconnect = useCallback(() => {
    if (client.current?.state.state === "closed") setOpening((n) => n + 1);
    else client.current?.reconnect();
  }, []);

  return { ...collected, last: collected.data.at(-1), state, close, reconnect };
}

// Functions that return the latest render's credentials. After a sign-out it has none.
const credentials = (latest: { readonly current: SseClientOptions }): SseClientOptions => ({
  token: (signal) => resolve(latest.current.token, signal),
  ticket: (signal) => resolve(latest.current.ticket, signal),
  headers: (signal) => resolve(latest.current.headers, signal),
});

// The server's last word on a run that failed: a reconnection would get `204`, as after a complete run.
function fatalError({ type, data }: Message): Error | undefined {
  if (type !== "error") return undefined;

  try {
    const { error, fatal, reason } = JSON.parse(data) as { error?: unknown; fatal?: unknown; reason?: unknown };
    return fatal === true ? Object.assign(new Error(String(error)), { reason }) : undefined;
  } catch {
    return undefined;
  }
}
