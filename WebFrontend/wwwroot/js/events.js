import { EventStream } from "./sse.js";
import { EventList } from "./event-list.js";
import { Figures } from "./figures.js";
import { publishForm } from "./publish.js";
import { fieldError, isPattern, streamApi, textsOf } from "./text.js";

const element = (id) => document.getElementById(id);
const text = textsOf(element("events"));
const figures = new Figures();
const list = new EventList(element("rows"), element("empty"), text);
let stream;
let countdown;
let stopped = false;

subscribe();
publishForm(element("publish"), text);
element("filter").addEventListener("submit", (submit) => {
  submit.preventDefault();
  subscribe();
});
element("pause").addEventListener("click", () => list.setPaused(!list.paused));
element("clear").addEventListener("click", () => {
  list.clear();
  figures.clear();
  element("gap").hidden = true;
});
element("reconnect").addEventListener("click", () => (stopped ? subscribe() : stream.reconnectNow()));
list.onchange = () => {
  element("pause").setAttribute("aria-pressed", list.paused);
  element("pause").textContent = !list.paused ? text("pause") : list.waiting > 0 ? text("resumeWith", { count: list.waiting }) : text("resume");
};
window.addEventListener("online", () => stream?.reconnectNow());
// A page in the browser's back/forward cache holds no connection; it subscribes again when it is shown.
window.addEventListener("pagehide", () => stream?.close());
window.addEventListener("pageshow", (shown) => shown.persisted && subscribe());

function subscribe() {
  const [topics, types] = [words("topic"), words("type")];
  if (!fieldError(element("topic"), topics.every(isPattern) ? null : text("badPattern"))) return element("topic").focus();
  stream?.close();
  clearTimeout(countdown);
  const query = new URLSearchParams();
  for (const topic of topics.length > 0 ? topics : [">"]) query.append("topic", topic);
  for (const type of types) query.append("type", type);
  remember(topics, types);
  element("gap").hidden = true;
  const opened = (stream = new EventStream(`${streamApi}/v1/events/stream?${query}&envelope=true`, {
    event: (event) => opened === stream && receive(event),
    state: (state) => opened === stream && show(state),
  }));
  opened.open();
}

function words(id) {
  return element(id).value.split(/[\s,]+/).filter((word) => word !== "");
}

// The address shows what is subscribed: it can be passed on.
function remember(topics, types) {
  const url = new URL(location.href);
  for (const [name, values] of [["topic", topics], ["type", types]]) {
    if (values.length > 0) url.searchParams.set(name, values.join(" "));
    else url.searchParams.delete(name);
  }
  history.replaceState(null, "", url);
}

function receive({ type, data }) {
  const event = JSON.parse(data);
  // The stream's own frames have no topic: an event that somebody published as "resync" has one.
  if (event.topic === undefined) return control(type, event);
  event.latency = Math.max(0, Date.now() - Date.parse(event.time));
  figures.count(event.latency);
  list.add(event);
}

function control(type, frame) {
  if (type === "connected") element("replica").textContent = frame.replica;
  if (type === "resync") gap(text("resync", { reason: frame.reason, from: frame.resumedFrom }));
  if (type === "skipped") gap(text("skipped", { count: frame.count }));
}

function gap(message) {
  element("gap").textContent = message;
  element("gap").hidden = false;
}

function show({ state, until, reason, status, detail }) {
  clearTimeout(countdown);
  stopped = state === "stopped";
  element("state").dataset.state = state;
  element("reconnect").hidden = state !== "waiting" && state !== "stopped";
  element("reconnect").textContent = text("reconnect");
  element("reason").textContent = explain(reason, status, detail);
  const tick = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    element("state-text").textContent = text(state, { seconds: Math.max(seconds, 0) });
    if (state === "waiting" && seconds > 0) countdown = setTimeout(tick, 250);
  };
  tick();
}

function explain(reason, status, detail) {
  switch (reason) {
    case "refused": return `${text("refused", { status })} ${detail ?? ""}`;
    case "silent": return text("silent", { seconds: detail });
    case "unreachable": return text("unreachable", { url: streamApi });
    case "ended": case "broken": case "nothingMore": return text(reason);
    default: return "";
  }
}
