import { FigureHistory, latencyOf } from "./stats-history.js";
import { compact, count, milliseconds, rate } from "../Shared/numbers.js";
import { broadcasterRow, healthOf, noRow, replicaRow, worst } from "./status-tables.js";
import { textsOf } from "../Shared/text.js";
import { TimeChart } from "../Shared/time-chart.js";

const SECONDS = 600; // as many as StreamApi keeps
const HEIGHT = 132;
const LATE = 10; // seconds that one replica's figures may come after another's
const STALE = 5_000; // milliseconds without a new figure
const element = (id) => document.getElementById(id);
const text = textsOf(element("overview"));
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium", hourCycle: "h23" });
const history = new FigureHistory(SECONDS);
const chart = (name, format, options) =>
  new TimeChart(element(`chart-${name}`), format, SECONDS, { height: HEIGHT, ...options });
const charts = {
  delivered: chart("delivered", rate),
  latency: chart("latency", milliseconds, { logarithmic: true }),
  connections: chart("connections", compact, { whole: true }),
  appended: chart("appended", rate),
  returns: chart("returns", compact, { whole: true }),
  lag: chart("lag", compact, { whole: true }),
};
let heardAt = performance.now();

draw();
for (;;) {
  if (!document.hidden) await refresh();
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

async function refresh() {
  let status;
  try {
    const response = await fetch(`/status?after=${Math.max(0, history.last - LATE)}`, {
      signal: AbortSignal.timeout(6000),
      cache: "no-store",
    });
    if (response.ok) status = await response.json();
  } catch {
    /* said below */
  }
  const before = history.last;
  if (status) history.add(status.replicas);
  if (history.last > before) heardAt = performance.now();
  tell(status);
  if (!status) return;
  tables(status);
  figures();
  draw();
}

// The state of all in one word, and what is wrong in one sentence each.
function tell(status) {
  const { reachable, replicas = [], broadcasters = [], at } = status ?? {};
  const living = replicas.filter(({ lost }) => !lost);
  const lost = replicas.filter((replica) => replica.lost);
  const degraded = living.filter(({ mode }) => mode === "degraded");
  const postgres = worst(living, "eventstore");
  const stale = !reachable || performance.now() - heardAt > STALE;
  const list = (some) => some.map(({ name }) => name).join(", ");
  const troubles = [];
  if (!status) troubles.push(text("noFrontend"));
  else if (!reachable) troubles.push(text("noStreamApi"));
  else {
    if (postgres !== "Healthy") troubles.push(text("postgresDown"));
    if (degraded.length > 0) troubles.push(text("degradedMore", { replicas: list(degraded) }));
    if (degraded.length > 0 && broadcasters.length > 0 && !broadcasters.some(({ leader }) => leader))
      troubles.push(text("noLeader"));
    if (lost.length > 0) troubles.push(text("lostMore", { replicas: list(lost) }));
  }
  if (stale && history.last > 0)
    troubles.push(text("stream.asOf", { time: clock.format(at ? Date.parse(at) : history.last * 1000) }));
  const mode = !reachable
    ? "unreachable"
    : postgres !== "Healthy"
      ? "broken"
      : degraded.length > 0
        ? "degraded"
        : lost.length > 0
          ? "lost"
          : "live";
  element("mode").dataset.mode = mode;
  element("content").dataset.stale = stale;
  put("mode-text", text(status ? mode : "gone"));
  put("trouble", troubles.join(" "));
  element("trouble").hidden = troubles.length === 0;
}

function tables({ replicas, broadcasters }) {
  const living = replicas.filter(({ lost }) => !lost);
  const since = ({ seenAt }) => text("lostSince", { time: clock.format(Date.parse(seenAt)) });
  fill(
    "replica-rows",
    replicas.map((replica) =>
      replicaRow(replica, { ...history.now([replica.name]), ...history.counts(replica.name) }, text, since),
    ),
    "noReplicas",
  );
  fill(
    "broadcaster-rows",
    broadcasters.map((broadcaster) => broadcasterRow(broadcaster, text)),
    "noBroadcaster",
  );
  for (const [id, check] of [
    ["postgres", "eventstore"],
    ["redis", "redis"],
  ])
    healthOf(element(id), living.length > 0 ? worst(living, check) : undefined, text);
  if (living.length > 0)
    put(
      "fanout",
      text(living.length === 1 ? "fanout.one" : "fanout", {
        replicas: count(living.length),
        connections: count(living.reduce((sum, { connections }) => sum + connections, 0)),
      }),
    );
}

function fill(id, rows, none) {
  element(id).replaceChildren(...(rows.length > 0 ? rows : [noRow(element(id), text(none))]));
}

function figures() {
  const { appended, delivered, latency } = history.now();
  put("appended", history.last > 0 ? rate(appended) : "–");
  put("delivered", history.last > 0 ? rate(delivered) : "–");
  put("p99", latency ? `${milliseconds(latency.p99)} ms` : "–");
}

function draw() {
  const { times, names } = history;
  // What is counted is counted once, in its own second.
  const counted = (of) =>
    history.together((figures, second) =>
      figures.reduce((all, figure) => all + (figure.at === second ? of(figure) : 0), 0),
    );
  const each = (of) =>
    names.length > 0
      ? names.map((name) => ({ name: name.replace(/^streamapi-/, ""), values: history.values(name, of) }))
      : [{ name: "…", values: [] }];
  const latency = history.together(latencyOf);
  const resyncs = ({ resyncs: by }) => Object.values(by ?? {}).reduce((all, many) => all + many, 0);
  charts.delivered.show(
    times,
    each(({ delivered = 0 }) => delivered),
  );
  charts.latency.show(
    times,
    ["p50", "p95", "p99"].map((name) => ({ name, values: latency.map((quantiles) => quantiles?.[name] ?? null) })),
  );
  charts.connections.show(
    times,
    each(({ connections }) => connections),
  );
  charts.appended.show(times, [
    { name: "", values: history.together((figures) => Math.max(...figures.map(({ appended = 0 }) => appended))) },
  ]);
  charts.returns.show(times, [
    { name: text("resumes"), values: counted(({ resumes = 0 }) => resumes) },
    { name: text("resyncs"), values: counted(resyncs) },
  ]);
  charts.lag.show(
    times,
    each(({ lag = 0 }) => lag),
  );
}

function put(id, value) {
  if (element(id).textContent !== value) element(id).textContent = value;
}
