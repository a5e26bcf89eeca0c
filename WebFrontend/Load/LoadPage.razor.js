import { problemOf } from "../lib/sse.js";
import { watchStreamApi } from "../Shared/UnreachableNote.razor.js";
import { LoadReports } from "./load-reports.js";
import { compact, count, milliseconds, rate } from "../Shared/numbers.js";
import { openStream } from "../Shared/streams.js";
import { fieldError, textsOf } from "../Shared/text.js";
import { TimeChart } from "../Shared/time-chart.js";

const WINDOW = 0.25; // seconds per progress line
const element = (id) => document.getElementById(id);
const text = textsOf(element("load"));
const reports = new LoadReports(text);
const latest = 240; // seconds shown in the charts
const shortest = 10; // seconds that they show at the beginning of a run
const charts = {
  published: new TimeChart(element("chart-published"), compact, latest, { shortest, whole: true }),
  delivered: new TimeChart(element("chart-delivered"), compact, latest, { shortest, whole: true }),
  latency: new TimeChart(element("chart-latency"), milliseconds, latest, { shortest, logarithmic: true }),
};
const numbers = ["clients", "rate", "seconds"].map(element);
let run; // { startedAt, windows, status }
let drawing = false;

reports.read();
watchStreamApi();
const stream = openStream("/load/stream");
stream.on("connected", (message) => connected(message.json().run));
stream.on("run", (message) => begin(message.json()));
stream.on("progress", (message) => progress(message.json()));
stream.on("result", (message) => result(message.json()));
stream.on("log", (message) => log(message.json().line));
stream.on("end", (message) => end(message.json().status));
stream.on("idle", loaded);
stream.onState(({ state }) => {
  if (state === "waiting") loaded();
  if (state === "waiting" && (!run || run.status === undefined)) phase("noFrontend");
  else if (state === "open" && !run) phase("idle");
});
window.addEventListener("pagehide", () => stream.close());
window.addEventListener("pageshow", (shown) => shown.persisted && location.reload());

element("scenario").addEventListener("change", showScenario);
showScenario();
for (const field of numbers) field.addEventListener("input", () => field.hasAttribute("aria-invalid") && check(field));
element("start").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  complain();
  const wrong = numbers.filter((field) => !check(field));
  if (wrong.length > 0) return wrong[0].focus();

  element("begin").disabled = true;

  try {
    const options = Object.fromEntries(
      numbers.filter(({ value }) => value !== "").map(({ name, value }) => [name, Number(value)]),
    );

    const response = await fetch("/load/runs", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ scenario: element("scenario").value, ...options }),
    });

    if (response.ok) return;

    const { message, errors } = await problemOf(response);
    for (const field of numbers) if (errors[field.name]) fieldError(field, errors[field.name]);
    complain(text("notStarted", { reason: message }));
    element("begin").disabled = run !== undefined && run.status === undefined;
  } catch {
    complain(text("notStarted", { reason: text("noFrontend") }));
    element("begin").disabled = false;
  }
});
element("stop").addEventListener("click", () =>
  fetch("/load/runs", { method: "DELETE" }).catch(() => complain(text("noFrontend"))),
);

// Everything that is known has arrived, or nothing will.
function loaded() {
  element("watch").removeAttribute("data-loading");
}

// A run ends with the process that started it: the next one does not know it, and sends no end of it.
function connected(id) {
  if (!run || run.status !== undefined || run.id === id) return;
  end("stopped");
  complain(text("restarted"));
}

function begin({ id, startedAt, request }) {
  run = { id, startedAt: Date.parse(startedAt) / 1000, windows: [], lines: [] };
  const options = [
    request.clients && `--clients ${request.clients}`,
    request.rate && `--rate ${request.rate}`,
    request.seconds && `--seconds ${request.seconds}`,
  ].filter(Boolean);

  element("what").textContent = [request.scenario, ...options].join(" ");
  element("idle").hidden = true;
  element("run").hidden = element("now").hidden = element("stop").hidden = false;
  element("begin").disabled = true;
  element("verdicts").replaceChildren();
  element("log").hidden = true;
  complain();
  phase("connecting");
  draw();
}

function progress(now) {
  run.windows.push({ ...now, time: run.startedAt + (run.windows.length + 1) * WINDOW });
  if (run.status === undefined) phase("running");
  draw();
}

const timeLeft = ({ secondsLeft }) =>
  secondsLeft > 0 ? text("seconds", { seconds: count(secondsLeft) }) : text("draining");

// Draws once per animation frame: after a reload the whole run arrives at once.
function draw() {
  if (drawing) return;

  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const { windows } = run;
    const now = windows.at(-1);
    const times = windows.map(({ time }) => time);

    put("open", now ? count(now.open) : "–");
    put("published", now ? rate(now.published) : "–");
    put("delivered", now ? rate(now.delivered) : "–");
    put("p99", now?.p99 ? `${milliseconds(now.p99)} ms` : "–");
    put("left", now ? timeLeft(now) : "–");

    for (const name of ["published", "delivered"])
      charts[name].show(times, [{ name: "", values: windows.map((window) => window[name]) }]);

    charts.latency.show(
      times,
      ["p50", "p99"].map((name) => ({ name, values: windows.map((window) => window[name] || null) })),
    );
  });
}

// Shows the result of a scenario, faults first.
function result({
  failed,
  held,
  stopped,
  connected,
  published,
  received,
  lost,
  duplicates,
  reordered,
  deliveredPerSecond,
  deliveryMs,
}) {
  const [item, stats] = ["li", "dl"].map((name) => document.createElement(name));
  stats.className = "live";
  const faults = { ...(!stopped && { lost }), duplicates, reordered };
  const all = {
    ...Object.fromEntries(Object.entries(faults).map(([name, of]) => [name, count(of)])),
    clients: count(connected),
    published: count(published),
    received: count(received),
    rate: rate(deliveredPerSecond),
    p50: `${milliseconds(deliveryMs?.p50)} ms`,
    p99: `${milliseconds(deliveryMs?.p99)} ms`,
  };

  stats.append(
    ...Object.entries(all).map(([name, value]) => {
      const [row, term, definition] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
      term.textContent = /^p\d+$/.test(name) ? name : text(`result.${name}`);
      definition.textContent = value;
      if (name in faults) definition.dataset.ok = faults[name] === 0;
      row.append(term, definition);

      return row;
    }),
  );

  item.append(stats);

  if (failed.length === 0 && held)
    item.append(
      Object.assign(document.createElement("p"), {
        className: "hint",
        textContent: text("heldAll", { thresholds: held.join("; ") }),
      }),
    );

  if (failed.length > 0)
    item.append(
      Object.assign(document.createElement("p"), {
        className: stopped ? "hint" : "bad",
        textContent: failed.join("; "),
      }),
    );

  element("verdicts").append(item);
}

function log(line) {
  run.lines.push(line);
  element("lines").textContent = run.lines.slice(-200).join("\n");
  element("log").hidden = false;
}

function end(status) {
  run.status = status;
  element("now").hidden = true;
  element("stop").hidden = true;
  element("begin").disabled = false;
  if (status === "error") element("log").open = true;
  phase(status);
  draw();
  reports.read();
}

function showScenario() {
  element("scenario-says").textContent = element("scenario").selectedOptions[0].dataset.says;
}

function check(field) {
  const fits =
    !field.validity.badInput &&
    (field.value === "" ||
      (Number.isInteger(Number(field.value)) &&
        Number(field.value) >= Number(field.min) &&
        Number(field.value) <= Number(field.max)));

  return fieldError(field, fits ? null : text("range", { least: count(field.min), most: count(field.max) }));
}

function complain(message) {
  element("start-error").textContent = message ?? "";
  element("start-error").hidden = !message;
}

function phase(name) {
  element("phase").dataset.phase = name;
  if (element("phase-text").textContent !== text(name)) element("phase-text").textContent = text(name);
}

function put(id, value) {
  if (element(`now-${id}`).textContent !== value) element(`now-${id}`).textContent = value;
}
