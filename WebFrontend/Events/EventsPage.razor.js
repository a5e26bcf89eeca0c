import { EventHistory, readHistory } from "./event-history.js";
import { EventList } from "./event-list.js";
import { topicList } from "./topic-list.js";
import { EventStats } from "./event-stats.js";
import { publishForm } from "./publish-form.js";
import { ShownEvents } from "./shown-events.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { shareStream } from "../Shared/streams.js";
import { fieldError, isPattern, streamApi, textsOf } from "../Shared/text.js";

const SKEW = 1_000; // milliseconds: allowed difference between the store's clock and this one
const element = (id) => document.getElementById(id);
const text = textsOf(element("events"));
const stats = new EventStats();
const list = new EventList(element("rows"), element("empty"), text);
const state = new StreamState(text, () => (stream.state.state === "closed" ? subscribe() : stream.reconnect()));
const storedEvents = new EventHistory(filter, text);
let stream;
let shownEvents;

subscribe();
publishForm(element("publish"), text);
topicList((topic) => {
  element("topic").value = topic;
  subscribe();
}, text);
element("filter").addEventListener("submit", (submit) => {
  submit.preventDefault();
  subscribe();
});
element("pause").addEventListener("click", () => list.setPaused(!list.paused));
element("clear").addEventListener("click", () => {
  list.clear();
  stats.clear();
  shownEvents.clear();
  element("gap").hidden = true;
});
list.onchange = () => {
  element("pause").setAttribute("aria-pressed", list.paused);
  element("pause").textContent = !list.paused
    ? text("pause")
    : list.waiting > 0
      ? text("resumeWith", { count: list.waiting })
      : text("resume");
};
window.addEventListener("pagehide", () => shownEvents.write());
for (const view of ["live", "history"]) element(`view-${view}`).addEventListener("click", () => show(view));

function filter() {
  const query = new URLSearchParams();
  const topics = words("topic");
  for (const topic of topics.length > 0 ? topics : [">"]) query.append("topic", topic);
  for (const type of words("type")) query.append("type", type);
  return query;
}

function subscribe() {
  if (!fieldError(element("topic"), words("topic").every(isPattern) ? null : text("badPattern")))
    return element("topic").focus();
  updateAddress();
  const query = filter();
  const before = shownEvents?.query;
  stream?.close();
  shownEvents = new ShownEvents(`${query}`);
  if (before !== undefined && before !== `${query}`) list.clear();
  element("gap").hidden = true;
  // Tabs with the same filter share one connection.
  const opened = (stream = shareStream(`${streamApi}/v1/events/stream?${query}&envelope=true`));
  let openedAt = Infinity;
  let pending = shownEvents.after !== undefined ? [] : undefined; // live events that arrive while stored ones are read
  opened.on("*", (message) => {
    if (opened !== stream) return;
    const event = message.json();
    // Control frames have no topic; a published event of type "resync" has one.
    if (event.topic === undefined) return control(message, event);
    // Older events are replayed, so their age says nothing about latency.
    if (Date.parse(event.time) > openedAt) event.latency = Math.max(0, Date.now() - Date.parse(event.time));
    if (pending) pending.push(event);
    else receive(event);
  });
  opened.onState((now) => {
    if (opened !== stream) return;
    if (now.state === "open") openedAt = Date.now() - SKEW;
    state.show(now);
  });
  if (pending)
    catchUp(opened, query).finally(() => {
      const waiting = pending;
      pending = undefined;
      if (opened === stream) waiting.forEach(receive);
    });
  if (!element("history").hidden) storedEvents.open();
}

// After a reload: shows the previous events and those stored in the meantime, once the stream is open.
async function catchUp(opened, query) {
  await new Promise((open) =>
    opened.onState(({ state: now }) => (now === "open" || now === "closed" || now === "waiting") && open()),
  );
  try {
    for (let after = shownEvents.after; after && opened === stream; ) {
      const { events, next } = await readHistory(query, after, 500);
      if (opened !== stream) return;
      for (const event of events) receive(event);
      after = next;
    }
  } catch {
    /* the position has expired or is of an earlier epoch: start with live events */
  }
}

function receive(event) {
  if (!shownEvents.add(event)) return; // read from the store and received live
  if (event.latency !== undefined) stats.count(event.latency);
  list.add(event);
}

function control({ type, id }, frame) {
  if (type === "connected") {
    element("replica").textContent = frame.replica;
    shownEvents.start(id);
  }
  if (type === "resync") gap(text("resync", { reason: frame.reason, from: frame.resumedFrom }));
  if (type === "skipped") gap(text("skipped", { count: frame.count }));
}

function gap(message) {
  element("gap").textContent = message;
  element("gap").hidden = false;
}

function show(view) {
  for (const name of ["live", "history"]) {
    element(name).hidden = name !== view;
    element(`view-${name}`).setAttribute("aria-pressed", name === view);
  }
  if (view === "history") storedEvents.open();
}

function words(id) {
  return element(id)
    .value.split(/[\s,]+/)
    .filter((word) => word !== "");
}

// Puts the filter into the address, so that a link subscribes to the same events.
function updateAddress() {
  const url = new URL(location.href);
  for (const name of ["topic", "type"]) {
    if (words(name).length > 0) url.searchParams.set(name, words(name).join(" "));
    else url.searchParams.delete(name);
  }
  history.replaceState(null, "", url);
}
