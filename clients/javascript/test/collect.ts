import { SseClient, type ClientState, type SseClientOptions } from "../src/index.js";

const QUICK = { initial: 1, max: 5 };

/** Reads a stream with quick retries, and records its events and states. */
export function collect(url: string, options: SseClientOptions = {}) {
  const client = new SseClient(url, { ...QUICK, ...options });
  const events: string[] = [];
  const states: ClientState[] = [];

  client.on("*", ({ type, data }) => events.push(`${type} ${data}`));
  client.onState((state) => states.push(state));

  return { client, events, states };
}
