import { EventHistory, readHistory } from "./event-history.js";
import { EventList } from "./event-list.js";
import { topicList } from "./topic-list.js";
import { Figures } from "./event-stats.js";
import { publishForm } from "./publish-form.js";
import { Remembered } from "./shown-events.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { shareStream } from "../Shared/streams.js";
import { fieldError, isPattern, streamApi, textsOf } from "../Shared/text.js";

const SKEW = 1_000; // milliseconds that the store's clock may be behind this one
const element = (id) => document.getElementById(id);
const text = textsOf(element("events"));
const figures = new Figures();
const list = new EventList(element("rows"), element("empty"), text);
const state = new StreamState(text, () => (stream.state.state === "closed" ? subscribe() : stream.reconnect()));
const stored = new EventHistory(filter, text);
let stream;
let remembered;

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
  figures.clear();
  remembered.clear();
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
window.addEventListener("pagehide", () => remembered.write());
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
  address();
  const query = filter();
  const before = remembered?.query;
  stream?.close();
  remembered = new Remembered(`${query}`);
  if (before !== undefined && before !== `${query}`) list.clear();
  element("gap").hidden = true;
  // Tabs with the same filter share one connection.
  const opened = (stream = shareStream(`${streamApi}/v1/events/stream?${query}&envelope=true`));
  let openedAt = Infinity;
  let missed = remembered.after !== undefined ? [] : undefined; // what comes while the events of the time without this page are read
  opened.on("*", (message) => {
    if (opened !== stream) return;
    const event = message.json();
    // The stream's own frames have no topic: an event that somebody published as "resync" has one.
    if (event.topic === undefined) return control(message, event);
    // What is of the time before the connection was caught up on, and says nothing of how fast events arrive.
    if (Date.parse(event.time) > openedAt) event.latency = Math.max(0, Date.now() - Date.parse(event.time));
    if (missed) missed.push(event);
    else receive(event);
  });
  opened.onState((now) => {
    if (opened !== stream) return;
    if (now.state === "open") openedAt = Date.now() - SKEW;
    state.show(now);
  });
  if (missed)
    catchUp(opened, query).finally(() => {
      const waiting = missed;
      missed = undefined;
      if (opened === stream) waiting.forEach(receive);
    });
  if (!element("history").hidden) stored.open();
}

// A reloaded page shows what it had shown, and what came while it was away: read from the store once the stream is open.
async function catchUp(opened, query) {
  await new Promise((open) =>
    opened.onState(({ state: now }) => (now === "open" || now === "closed" || now === "waiting") && open()),
  );
  try {
    for (let after = remembered.after; after && opened === stream; ) {
      const { events, next } = await readHistory(query, after, 500);
      if (opened !== stream) return;
      for (const event of events) receive(event);
      after = next;
    }
  } catch {
    /* expired, or of an earlier epoch: the page starts afresh */
  }
}

function receive(event) {
  if (!remembered.add(event)) return; // read from the store and heard live
  if (event.latency !== undefined) figures.count(event.latency);
  list.add(event);
}

function control({ type, id }, frame) {
  if (type === "connected") {
    element("replica").textContent = frame.replica;
    remembered.start(id);
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
  if (view === "history") stored.open();
}

function words(id) {
  return element(id)
    .value.split(/[\s,]+/)
    .filter((word) => word !== "");
}

// The address shows what is subscribed: it can be passed on.
function address() {
  const url = new URL(location.href);
  for (const name of ["topic", "type"]) {
    if (words(name).length > 0) url.searchParams.set(name, words(name).join(" "));
    else url.searchParams.delete(name);
  }
  history.replaceState(null, "", url);
}
