// The table of the clients of npm.
import { createRequire } from "node:module";
import { EventSourcePolyfill } from "event-source-polyfill";
import { EventSource as Standard } from "eventsource";
import { createEventSource } from "eventsource-client";
import { EventSource as Extended } from "extended-eventsource";
import LaunchDarkly from "launchdarkly-eventsource";
import { EventSource as Undici } from "undici";
import { printTable } from "./table.mjs";

// These are made for pages.
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
globalThis.window = globalThis;
globalThis.EventSource = Standard;
const required = createRequire(import.meta.url);
const { fetchEventSource } = required("@microsoft/fetch-event-source");
const { default: Reconnecting } = required("reconnecting-eventsource");

const standard = (Source, options) => (url, got, closed) => {
  const source = new Source(url, options);
  source.onmessage = (event) => got(event.data);
  source.onerror = () => setTimeout(() => source.readyState === 2 && closed());
  return () => source.close();
};
const fetching = (options) => (url, got, closed) => {
  const abort = new AbortController();

  // As their readers do: a frame without data would throw here.
  const onmessage = ({ event, data }) => typeof JSON.parse(data) === "number" && event === "message" && got(data);
  fetchEventSource(url, { openWhenHidden: true, signal: abort.signal, onmessage, ...options }).then(closed, closed);
  return () => abort.abort();
};
const clients = {
  eventsource: standard(Standard),
  undici: standard(Undici),
  "extended-eventsource": standard(Extended),
  "event-source-polyfill": standard(EventSourcePolyfill),
  "launchdarkly-eventsource": standard(LaunchDarkly.EventSource),
  "launchdarkly-eventsource, errorFilter": standard(LaunchDarkly.EventSource, { errorFilter: (e) => e.status !== 204 }),
  "reconnecting-eventsource": standard(Reconnecting),
  "reconnecting-eventsource, addEventListener": (url, got) => {
    const source = new Reconnecting(url);
    source.addEventListener("message", (event) => got(event.data));
    return () => source.close();
  },
  "eventsource-client": (url, got) => {
    const source = createEventSource({
      url,
      onMessage: ({ event = "message", data }) => event === "message" && got(data),
    });

    return () => source.close();
  },
  "fetch-event-source": fetching({}),
  "fetch-event-source, throw in onclose": fetching({
    onclose() {
      throw new Error("come back");
    },
  }),
};

setInterval(() => {}, 1_000); // two of the clients would let the process end while they wait
process.on("uncaughtException", (error) => console.error(error)); // what a late callback of a closed client throws

await printTable(clients);
