import { EventHistory, readHistory } from "./event-history.js";
import { EventList } from "./event-list.js";
import { topicList } from "./topic-list.js";
import { EventStats } from "./event-stats.js";
import { exampleEvents } from "../Shared/example-events.js";
import { publishForm } from "./publish-form.js";
import { ShownEvents } from "./shown-events.js";
import { isAfter } from "../Shared/positions.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { shareStream } from "../Shared/streams.js";
import { fieldError, isPattern, streamApi, textsOf } from "../Shared/text.js";

const SKEW = 1_000; // milliseconds: allowed difference between the store's clock and this one
const IMPLAUSIBLE = 60_000; // milliseconds: a longer latency is a wrong clock, or the tab did not run
const REPLAYED = 1_000; // missed events that a stream may repeat before the page continues with new ones
const PAGE = 500; // stored events in one request after a reload
const PAGES = 3; // of these at most
const element = (id) => document.getElementById(id);
const text = textsOf(element("events"));
const stats = new EventStats(text);
const list = new EventList(element("rows"), element("empty"), text);
const state = new StreamState(text, () => (stream.state.state === "closed" ? subscribe() : stream.reconnect()));
const storedEvents = new EventHistory(filter, text);
let stream;
let shownEvents;

subscribe();
publishForm(element("publish"), text);
exampleEvents(element("example"), element("example-said"), text, matching);
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
  const resume = list.waiting > 0 ? text("resumeWith", { count: list.waiting }) : text("resume");
  element("pause").textContent = list.paused ? resume : text("pause");
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

// A topic and a type that the filter lets through.
function matching() {
  const [pattern = ">"] = words("topic");
  const topic = pattern.replace(/^>$/, "demo.hello").replace(/[*>]/g, "hello");
  return { topic, type: words("type")[0] ?? "hello" };
}

// Without `resumes` it starts with new events, although it showed earlier ones.
function subscribe({ resumes = true } = {}) {
  if (!fieldError(element("topic"), words("topic").every(isPattern) ? null : text("badPattern")))
    return element("topic").focus();

  updateAddress();
  const query = filter();
  stream?.close();

  if (shownEvents?.query !== `${query}`) {
    if (shownEvents) list.clear();
    shownEvents = new ShownEvents(`${query}`);
  }

  const after = resumes ? shownEvents.position : shownEvents.forgetPosition();
  element("gap").hidden = true;

  // Tabs with the same filter share one connection.
  const opened = (stream = shareStream(`${streamApi}/v1/events/stream?${query}&envelope=true`));
  let head; // of the log when the stream was connected
  let replayed = 0;
  let pending = after !== undefined ? [] : undefined; // live events that arrive while stored ones are read
  opened.on("*", (message) => {
    if (opened !== stream) return;

    const event = message.json();

    // Control frames have no topic; a published event of type "resync" has one.
    if (event.topic === undefined) {
      if (message.type === "connected") {
        head = event.head;
        replayed = 0;
      }

      return control(message, event);
    }

    event.live = head !== undefined && isAfter(message.id, head);
    if (!event.live && ++replayed > REPLAYED) return continueWithNew();

    // The age of a replayed event says nothing about latency.
    if (event.live) event.latency = latencyOf(event);

    if (!pending) receive(event);
    else if (pending.push(event) > REPLAYED) {
      pending.shift();
      gap(text("missed"));
    }
  });

  opened.onState((now) => opened === stream && state.show(now));

  if (pending)
    catchUp(opened, query, after).finally(() => {
      const waiting = pending;
      pending = undefined;
      if (opened === stream) waiting.forEach(receive);
    });

  if (!element("history").hidden) storedEvents.open();
}

// Returns undefined if one of the clocks is wrong.
function latencyOf({ time }) {
  const latency = Date.now() - Date.parse(time);
  return latency > -SKEW && latency < IMPLAUSIBLE ? Math.max(0, latency) : undefined;
}

// The list shows the newest events: after a long absence a replay of all the missed ones would take minutes.
function continueWithNew() {
  subscribe({ resumes: false });
  gap(text("missed"));
}

// After a reload: shows the previous events and those stored in the meantime, once the stream is open.
async function catchUp(opened, query, after) {
  await new Promise((open) =>
    opened.onState(({ state: now }) => (now === "open" || now === "closed" || now === "waiting") && open()),
  );

  try {
    for (let pages = 0; after && opened === stream; pages++) {
      if (pages === PAGES) return gap(text("missed"));

      const { resync, events, next } = await readHistory(query, after, PAGE);
      if (opened !== stream) return;

      if (resync) gap(text("resync", { reason: text(`stream.resync.${resync.reason}`), from: resync.resumedFrom }));
      for (const event of events) receive(event);
      after = next;
    }
  } catch {
    /* the position is of an earlier epoch: start with live events */
  }
}

function receive(event) {
  if (!shownEvents.add(event)) return; // read from the store and received live
  if (event.live) stats.count(event.latency);
  else stats.countReplayed();
  list.add(event);
}

function control({ type, id }, frame) {
  if (type === "connected") {
    element("replica").textContent = frame.replica;
    shownEvents.start(id);
  }

  if (type === "resync")
    gap(text("resync", { reason: text(`stream.resync.${frame.reason}`), from: frame.resumedFrom }));

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
