import { watchStreamApi } from "../Shared/UnreachableNote.razor.js";
import { composer, following, toEnd } from "../Shared/composer.js";
import { ModelPicker } from "../Shared/model-picker.js";
import { count, milliseconds } from "../Shared/numbers.js";
import { Recents } from "../Shared/recents.js";
import { reasonOf } from "../Shared/requests.js";
import { Session } from "./session.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { textsOf } from "../Shared/text.js";
import { TurnView } from "./turn-view.js";

const element = (id) => document.getElementById(id);
const text = textsOf(element("agent"));
const recents = new Recents("sessions"); // { key: session id, title }
const models = new ModelPicker(element("model"));
const state = new StreamState(text, () => session?.reconnect());
const form = composer(element("ask"), ask);
const views = new Map(); // turn to its view
let session;
let asking = false;

watchStreamApi(() => models.fill());

const id = new URLSearchParams(location.search).get("session");
if (id) {
  showError(text("reading"));
  open(id);
} else {
  element("empty").hidden = false;
  element("state").dataset.state = "none";
  element("state-text").textContent = text("no-session");
}
showRecents();
recents.onchange(showRecents);
for (const example of document.querySelectorAll(".examples button"))
  example.addEventListener("click", ({ detail }) => {
    if (detail === 0) element("question").focus(); // pressed by key: the button disappears with its focus
    ask(example.querySelector("b").textContent);
  });

function open(id) {
  session = new Session(id, { showAll, event, times, state: showState, missing });
  const url = new URL(location.href);
  url.searchParams.set("session", id);
  history.replaceState(null, "", url);
  element("second").href = url;
  element("fresh").hidden = element("second").hidden = false;

  return session.open();
}

async function ask(message) {
  if (asking) return;

  form.complain();
  asking = element("send").disabled = true;

  try {
    if (!session) await open(await Session.begin(models.chosen()));
    const turn = await session.send(message);
    if (session.turns.length === 1) recents.put({ key: session.id, title: message });
    if (session.turns.includes(turn)) show(turn); // otherwise the history already contains it

    form.clear();
    showRecents();
    updateStats();
    toEnd(element("ask"));
  } catch (error) {
    form.complain(text("notSent", { reason: reasonOf(error, text) }));
  } finally {
    asking = element("send").disabled = false;
  }
}

function show(turn) {
  element("empty").hidden = true;
  const view = new TurnView(turn, text, () => ask(turn.message));
  views.set(turn, view);
  element("turns").append(view.element);
}

function showAll() {
  showError("");
  views.clear();
  element("turns").replaceChildren();
  element("empty").hidden = session.turns.length > 0;
  session.turns.forEach(show);
  updateStats();
  toEnd(element("ask"));
}

function event(turn, now) {
  const ended = now.type === "message_end";
  following(element("ask"), () => (ended ? views.get(turn)?.end(turn) : views.get(turn)?.add(now)));
  element("answered").textContent = ended ? text("answered") : ""; // empty, so that the next end is announced too
  if (now.type !== "content") updateStats();
}

function showState(now) {
  if (now.state === "closed") showError(""); // not loading any more: the state says why
  state.show(now);
}

function times() {
  for (const turn of session.turns) if (turn.endedAt) views.get(turn)?.end(turn);
}

function missing() {
  showError(text("missing"));
  recents.drop(session.id);
  element("empty").hidden = false;
  element("second").hidden = true;
  session = undefined;
  state.show({ state: "closed" });
  element("reconnect").hidden = true; // there is nothing to connect to
  showRecents();
}

function updateStats() {
  const events = session.turns.flatMap(({ events }) => events);
  const durations = events.map(({ durationMs }) => durationMs).filter((duration) => duration !== undefined);

  element("count").textContent = count(session.turns.length);
  element("calls").textContent = count(events.filter(({ type }) => type === "tool_use").length);
  element("slowest").textContent =
    durations.length > 0 ? text("duration", { ms: milliseconds(Math.max(...durations)) }) : "–";
}

function showError(message) {
  element("trouble").textContent = message;
  element("trouble").hidden = message === "";
}

function showRecents() {
  recents.show(element("recent"), element("recents"), ({ key, title }) => ({
    href: `/agent?session=${encodeURIComponent(key)}`,
    title,
    current: key === session?.id,
  }));
}
