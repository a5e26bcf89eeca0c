import { count } from "../Shared/numbers.js";
import { ResilientLane } from "./session-timeline.js";
import { reasonOf, send } from "../Shared/requests.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { openStream } from "../Shared/streams.js";
import { streamApi } from "../Shared/text.js";
import { Wire } from "./wire-log.js";

const KEY = "patterns session";
const element = (id) => document.getElementById(id);

/** A session whose source can be made to fail, and whose connection can be cut: nothing of it is lost. */
export function resilient(text) {
  const lane = new ResilientLane(element("lane"), text);
  const wire = new Wire(element("wire"));
  const kept = restore();
  let client;
  let last = 0; // the last message's number
  let [received, missing, retries] = [0, 0, 0];
  let connections = 0;
  const state = new StreamState(text, () => (client.state.state === "closed" ? start() : client.reconnect()));
  element("session").textContent = `/sse/resilient/${kept.session}`;

  const path = `/sse/resilient/${kept.session}`;
  pressed(kept.broken);
  start();

  // A fresh reader, without an id: a source that was given up starts again.
  function start() {
    client?.close();
    [last, retries, connections] = [0, 0, 0];
    element("restart").hidden = true;
    source("connecting");
    const opened = (client = openStream(`${streamApi}${path}`, { fetch: wire.fetch(heard) }));
    opened.on("message", (message) => {
      const { id } = message.json();
      if (last > 0 && id > last + 1) missing += id - last - 1;
      if (last > 0 && id <= last) return;
      [last, retries] = [id, 0];
      received++;
      lane.message(id);
      source("speaks", { id: count(id) });
      tell();
    });
    opened.on("error", (message) => {
      lane.fatal();
      source("fatal");
      element("source-said").textContent = text("givenUp", { reason: message.json().error });
      element("restart").hidden = false;
    });
    opened.onState((now) => {
      if (opened !== client) return;
      state.show(now);
      if (now.state === "open" && ++connections > 1) lane.resumed();
      if (now.state === "closed" && now.reason !== "closed") element("restart").hidden = false;
    });
  }

  // What the wire says besides events: the reconnection time, which grows as the source goes on failing.
  function heard(line) {
    const retry = /^retry: ?(\d+)$/.exec(line)?.[1];
    if (retry === undefined) return;
    element("retry").textContent = text("seconds", { seconds: (Number(retry) / 1000).toFixed(1) });
    // The first one of a connection is only its jitter.
    if (!wire.inFrame) return;
    retries++;
    lane.retry(Number(retry));
    source("fails", { retry: retries });
  }

  function tell() {
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
    sessionStorage.setItem(KEY, JSON.stringify(kept));
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
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    if (kept?.session) return kept;
  } catch {
    /* kept by an older page */
  }
  return { session: `patterns-${crypto.randomUUID().slice(0, 8)}`, broken: false };
}
