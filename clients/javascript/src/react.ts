import { useCallback, useEffect, useRef, useState } from "react";
import { SseClient, type SseClientOptions } from "./client.js";
import type { Message } from "./message.js";
import type { ClientState } from "./state.js";

export interface UseSseOptions<Data> extends Omit<SseClientOptions, "signal" | "manual"> {
  /** Names of the events to collect. Default: all except control events. */
  events?: readonly string[];
  /** Names of the events that end the stream. Default `complete`, `done`, `end`. */
  terminal?: readonly string[];
  /** Number of newest items to keep. Default 1,000. */
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
  /** True after a terminal event, or after `204`. */
  readonly complete: boolean;
  readonly state: ClientState;
  /** The last error of `parse`, or the fatal `error` of the server, which closes the stream without `complete`. */
  readonly error: unknown;
  readonly close: () => void;
  readonly reconnect: () => void;
}

const CONTROL = ["connected", "resync", "skipped", "unauthorized", "error"]; // types that only the server sends
const TERMINAL = ["complete", "done", "end"];
const CONNECTING: ClientState = { state: "connecting", attempt: 0 };

interface Collected<Data> {
  data: readonly Data[];
  complete: boolean;
  error: unknown;
}

/**
 * Reads a stream while the component is mounted; `null` reads none. Options take effect when the URL changes.
 * Under StrictMode only the second mount sends a request.
 */
export function useSSE<Data = unknown>(
  url: string | null | undefined,
  options: UseSseOptions<Data> = {},
): UseSse<Data> {
  const [state, setState] = useState<ClientState>(CONNECTING);
  const [collected, setCollected] = useState<Collected<Data>>({ data: [], complete: false, error: undefined });
  const client = useRef<SseClient | undefined>(undefined);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });

  useEffect(() => {
    setCollected({ data: [], complete: false, error: undefined });
    setState(CONNECTING);
    if (!url) return;
    const {
      events,
      terminal = TERMINAL,
      limit = 1_000,
      parse = JSON.parse as (data: string) => Data,
      onEvent: _,
      ...rest
    } = latest.current;
    const opened = (client.current = new SseClient(url, { ...rest, manual: true }));
    let waiting: Data[] = [];
    let scheduled = false;
    let gone = false;
    const flush = () => {
      scheduled = false;
      const fresh = waiting;
      waiting = [];
      if (!gone && fresh.length > 0)
        setCollected((before) => ({ ...before, data: [...before.data, ...fresh].slice(-limit) }));
    };
    opened.on("*", (message) => {
      latest.current.onEvent?.(message);
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
      if (now.state === "closed" && now.reason === "nothing-more")
        setCollected((before) => ({ ...before, complete: true }));
    });
    // StrictMode mounts twice in the same task: only the remaining mount connects.
    queueMicrotask(() => !gone && opened.open());
    return () => {
      gone = true;
      opened.close();
    };
  }, [url]);

  const close = useCallback(() => client.current?.close(), []);
  const reconnect = useCallback(() => client.current?.reconnect(), []);
  return { ...collected, last: collected.data.at(-1), state, close, reconnect };
}

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
