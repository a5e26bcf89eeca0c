import { Answer } from "./answer.js";
import { AnswerView } from "./answer-view.js";
import { Arrivals } from "./arrivals.js";
import { AnswerWire } from "./answer-wire.js";
import { watchStreamApi } from "../Shared/UnreachableNote.razor.js";
import { composer, following, toEnd } from "../Shared/composer.js";
import { newId } from "../Shared/ids.js";
import { ModelPicker } from "../Shared/model-picker.js";
import { count, milliseconds, rate } from "../Shared/numbers.js";
import { Recents } from "../Shared/recents.js";
import { reasonOf, refusalOf } from "../Shared/requests.js";
import { browserStorage } from "../Shared/storage.js";
import { streamApi, textsOf } from "../Shared/text.js";

const TUNNEL_DURATION = 3_000; // milliseconds
const LENGTH = "chat length";
const element = (id) => document.getElementById(id);
const text = textsOf(element("chat"));
const recents = new Recents("chats"); // { key, turns: [{ id, question }] }
const models = new ModelPicker(element("model"));
const arrivals = new Arrivals(element("arrivals"), (most) => put("peak", text("arrivals", { count: count(most) })));
const wire = new AnswerWire(element("wire"), element("dialect"), TUNNEL_DURATION);
const form = composer(element("ask"), ask);
let conversation = { key: newId(), turns: [] };
const answers = []; // one for each turn
let asking = false;
let unanswered; // { key, body } of the last request until its answer is known
let countdown;

watchStreamApi(() => models.fill());

const id = new URLSearchParams(location.search).get("id");
if (id)
  conversation = recents.find(({ turns }) => turns.some((turn) => turn.id === id)) ?? {
    key: id,
    turns: [{ id, question: null }],
  };
element("empty").hidden = conversation.turns.length > 0;
for (const turn of conversation.turns) show(turn).read();
updateAddress();
showRecents();
recents.onchange(addTurnsOfOtherTabs);
window.addEventListener("pageshow", (shown) => shown.persisted && location.reload());

element("length").value = browserStorage.get(LENGTH) ?? "400";
element("length").addEventListener("change", ({ target }) => browserStorage.set(LENGTH, target.value));
for (const example of document.querySelectorAll(".examples button"))
  example.addEventListener("click", ({ detail }) => {
    if (detail === 0) element("question").focus(); // pressed by key: the button disappears with its focus
    ask(example.querySelector("b").textContent, example.dataset.length);
  });
element("stop").addEventListener("click", stop);
element("tunnel").addEventListener("click", () => {
  current()?.tunnel(TUNNEL_DURATION);
  wire.cut();
});
element("reload").addEventListener("click", () => location.reload());

function current() {
  return answers.at(-1);
}

async function ask(question, length = element("length").value) {
  if (asking || current()?.status === "running") return form.complain(text("busy"));

  form.complain();
  asking = true;
  phase();

  try {
    const messages = conversation.turns.flatMap((turn, i) =>
      turn.question === null || answers[i].text === ""
        ? []
        : [
            { role: "user", content: turn.question },
            { role: "assistant", content: answers[i].text },
          ],
    );

    const body = JSON.stringify({
      ...models.chosen(),
      messages: [...messages, { role: "user", content: question }],
      maxTokens: length ? Number(length) : undefined,
    });

    // The same question again after a lost answer: the server returns the generation that it has begun.
    if (unanswered?.body !== body) unanswered = { key: newId(), body };

    const response = await fetch(`${streamApi}/v1/generations`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": unanswered.key },
      signal: AbortSignal.timeout(15_000),
      body,
    });

    if (response.status !== 201)
      return form.complain(text("notAsked", { reason: reasonOf(await refusalOf(response), text) }));

    const turn = { id: (await response.json()).id, question };
    unanswered = undefined;
    conversation.turns.push(turn);

    show(turn).read("running");
    form.clear();
    recents.put(conversation);
    updateAddress();
    showRecents();
    toEnd(element("ask"));
  } catch {
    form.complain(text("notAsked", { reason: text("unreachable", { url: streamApi }) }));
  } finally {
    asking = false;
    phase();
  }
}

async function stop() {
  element("stop").disabled = true;

  try {
    await current().cancel();
  } catch (error) {
    form.complain(text("notStopped", { reason: reasonOf(error, text) }));
  } finally {
    element("stop").disabled = false;
  }
}

// Adds a turn to the page.
function show({ id, question }) {
  element("empty").hidden = true;
  const view = new AnswerView(question, text, question === null ? null : () => ask(question));
  const answer = new Answer(id, (now, fresh) => {
    following(element("ask"), () => view.show(now, fresh));
    if (now === current()) phase();
  });

  answers.push(answer);
  element("turns").append(view.element);

  return answer;
}

// Another tab asked a question in the same conversation.
function addTurnsOfOtherTabs() {
  const theirs = recents.find(({ key }) => key === conversation.key);
  for (const turn of theirs?.turns.slice(conversation.turns.length) ?? []) {
    conversation.turns.push(turn);
    show(turn).read();
  }

  updateAddress();
  showRecents();
}

// Puts the answer's id into the address, so that it can be reloaded, shared or opened in a second tab.
function updateAddress() {
  const last = conversation.turns.at(-1);
  element("fresh").hidden = element("second").hidden = !last;
  if (!last) return;

  const url = new URL(location.href);
  url.searchParams.set("id", last.id);
  history.replaceState(null, "", url);
  element("second").href = url;
}

function showRecents() {
  recents.show(element("recent"), element("recents"), ({ key, turns }) => ({
    href: `/chat?id=${encodeURIComponent(turns.at(-1).id)}`,
    title: turns[0].question ?? text("elsewhere"),
    current: key === conversation.key,
  }));
}

// Shows the state and stats of the last answer, and enables the matching buttons.
function phase() {
  clearTimeout(countdown);
  const answer = current();
  const running = answer?.status === "running";
  const name = phaseOf(answer);
  const isWaiting = name === "tunnel" || name === "waiting";
  const seconds = Math.max(0, Math.ceil(((answer?.waiting?.until ?? 0) - Date.now()) / 1000));

  put("phase-text", text(name, { seconds, url: streamApi }));
  put("phase-said", text(isWaiting ? `${name}.said` : name)); // without the countdown
  element("phase").dataset.phase = name;
  if (isWaiting) countdown = setTimeout(phase, 250);

  const about = answer?.state.usage ? "" : "≈ ";
  put("first", milliseconds(answer?.first));
  put("speed", answer?.speed ? about + rate(answer.speed) : "–");
  put("tokens", answer?.tokens ? about + count(answer.tokens) : "–");
  put("breaks", count(answer?.breaks ?? 0));

  element("tunnel").hidden = !running;
  element("tunnel").disabled = !!answer?.waiting;
  element("reload").disabled = !running;
  element("send").disabled = asking;
  swapButtons(running ? "stop" : "send", running ? "send" : "stop");

  arrivals.show(answer);
  wire.show(answer);
}

function phaseOf(answer) {
  if (asking) return "asking";
  if (!answer) return "none";
  if (answer.status !== "running" || !answer.waiting) return answer.status;
  return answer.waiting.tunnel ? "tunnel" : "waiting";
}

// Shows one button in the other's place and keeps the keyboard focus there.
function swapButtons(shown, gone) {
  const focused = document.activeElement === element(gone);
  element(shown).hidden = false;
  element(gone).hidden = true;
  if (focused) element(shown).focus();
}

function put(id, value) {
  if (element(id).textContent !== value) element(id).textContent = value;
}
