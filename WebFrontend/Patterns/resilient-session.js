import { newId } from "../Shared/ids.js";
import { count } from "../Shared/numbers.js";
import { SessionTimeline } from "./session-timeline.js";
import { reasonOf, send } from "../Shared/requests.js";
import { tabStorage } from "../Shared/storage.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { openStream } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";
import { WireLog } from "../Shared/wire-log.js";

const KEY = "patterns session";
const element = (id) => document.getElementById(id);

/** A session with a source that can be made to fail and a connection that can be cut, without losing a message. */
export function resilient(text) {
  const timeline = new SessionTimeline(element("lane"), text);
  const wire = new WireLog(element("wire"));
  const kept = restore();
  let client;
  let last = 0; // number of the last message
  let received = 0;
  let missing = 0;
  let retries = 0;
  let connections = 0;

  const state = new StreamState(text, () => (client.state.state === "closed" ? start() : client.reconnect()));
  element("session").textContent = `/sse/resilient/${kept.session}`;

  const path = `/sse/resilient/${kept.session}`;
  pressed(kept.broken);
  start();

  // Connects without a last id, which restarts a source that was given up.
  function start() {
    client?.close();
    last = 0;
    retries = 0;
    connections = 0;
    element("restart").hidden = true;
    source("connecting");

    const opened = (client = openStream(`${streamApi}${path}`, { fetch: wire.fetch(readLine) }));
    opened.on("message", (message) => {
      const { id } = message.json();
      if (last > 0 && id > last + 1) missing += id - last - 1;
      if (last > 0 && id <= last) return;

      last = id;
      retries = 0;
      received++;
      timeline.message(id);
      source("speaks", { id: count(id) });
      showCounts();
    });

    opened.on("error", (message) => {
      timeline.fatal();
      source("fatal");
      element("source-said").textContent = text("givenUp", { reason: message.json().error });
      element("restart").hidden = false;
    });

    opened.onState((now) => {
      if (opened !== client) return;
      state.show(now);
      if (now.state === "open" && ++connections > 1) timeline.resumed();
      if (now.state === "closed" && now.reason !== "closed") element("restart").hidden = false;
    });
  }

  // Reads the `retry:` lines: the delay grows with each failure of the source.
  function readLine(line) {
    const retry = /^retry: ?(\d+)$/.exec(line)?.[1];
    if (retry === undefined) return;

    element("retry").textContent = text("seconds", { seconds: (Number(retry) / 1000).toFixed(1) });

    // The first one of a connection is its reconnection delay, not a retry of the source.
    if (wire.isOpening) return;

    retries++;
    timeline.retry(Number(retry));
    source("fails", { retry: retries });
  }

  function showCounts() {
    element("received").textContent = count(received);
    element("missing").textContent = count(missing);
  }

  function source(name, values) {
    element("source").dataset.source = name;
    element("source").textContent = text(`source.${name}`, values);
  }

  async function ask(method, body, broken) {
    element("source-said").textContent = "";

    try {
      await send(method, `${path}/failure`, body);
      pressed(broken);
    } catch (error) {
      element("source-said").textContent =
        error.status === 404 || error.status === 405
          ? text("noSwitch")
          : text("notSwitched", { reason: reasonOf(error, text) });
    }
  }

  function pressed(broken) {
    kept.broken = broken;
    element("break").setAttribute("aria-pressed", broken);
    tabStorage.set(KEY, JSON.stringify(kept));
  }

  element("break").addEventListener("click", () =>
    kept.broken ? ask("DELETE", undefined, false) : ask("POST", undefined, true),
  );

  element("twice").addEventListener("click", () => ask("POST", { times: 2 }, false));
  element("cut").addEventListener("click", () => wire.cut());

  element("restart").addEventListener("click", async () => {
    if (kept.broken) await ask("DELETE", undefined, false);
    else element("source-said").textContent = "";
    start();
    element("break").focus();
  });
}

function restore() {
  try {
    const kept = JSON.parse(tabStorage.get(KEY));
    if (kept?.session) return kept;
  } catch {
    /* written by an older version of this page */
  }

  return { session: `patterns-${newId().slice(0, 8)}`, broken: false };
}
