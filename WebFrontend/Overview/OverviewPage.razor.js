import { StatsHistory, latencyOf } from "./stats-history.js";
import { exampleEvents } from "../Shared/example-events.js";
import { openStream } from "../Shared/streams.js";
import { compact, count, list, milliseconds, rate } from "../Shared/numbers.js";
import { broadcasterRow, fill, healthOf, noRow, replicaRow, worst } from "./status-tables.js";
import { streamApi, textsOf } from "../Shared/text.js";
import { TimeChart } from "../Shared/time-chart.js";
import { clockTime } from "../Shared/times.js";

const SECONDS = 600; // kept by StreamApi
const HEIGHT = 132;
const LATE = 10; // seconds: allowed delay between two replicas' stats
const STALE = 5_000; // milliseconds without new stats
const INTERVAL = 1_000; // milliseconds between reads
const SIGNED_OUT_INTERVAL = 5_000;
const EXAMPLE = { topic: "demo.hello", type: "hello" };
const element = (id) => document.getElementById(id);
const text = textsOf(element("overview"));
const hasSignIn = "signIn" in element("overview").dataset;
const history = new StatsHistory(SECONDS);
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
let names = []; // of the replicas in the table: the charts show the same
let receivedAt = performance.now();
let signedOut = false;
let example; // the stream of the example's events while they are published

exampleEvents(element("example"), element("example-said"), text, () => EXAMPLE, follow);
draw();
for (;;) {
  if (!document.hidden) await refresh().catch(reportError); // the next round may succeed
  await new Promise((resolve) => setTimeout(resolve, signedOut ? SIGNED_OUT_INTERVAL : INTERVAL));
}

async function refresh() {
  let status;
  signedOut = false;

  try {
    const response = await fetch(`/status?after=${Math.max(0, history.last - LATE)}`, {
      signal: AbortSignal.timeout(6000),
      cache: "no-store",
    });

    signedOut = response.status === 401;
    if (response.ok) status = await response.json();
  } catch {
    /* reported below */
  }

  const before = history.last;
  if (status) history.add(status.replicas);
  if (history.last > before) receivedAt = performance.now();
  showState(status);
  if (!status) return;

  names = status.replicas.map(({ name }) => name);
  tables(status);
  showTotals();
  draw();
}

// Shows the system's state in one word, and one sentence per problem.
function showState(status) {
  const { reachable, replicas = [], broadcasters = [], at } = status ?? {};
  const alive = replicas.filter(({ lost }) => !lost);
  const lost = replicas.filter((replica) => replica.lost);
  const degraded = alive.filter(({ mode }) => mode === "degraded");
  const postgresFails = ["Degraded", "Unhealthy"].includes(worst(alive, "sse-store"));
  const stale = !reachable || performance.now() - receivedAt > STALE;
  const named = (some) => ({ count: some.length, replicas: list(some.map(({ name }) => name)) });
  const problems = [];

  if (signedOut) problems.push(text(hasSignIn ? "signedOut" : "noSignIn"));
  else if (!status) problems.push(text("noFrontend"));
  else if (!reachable) problems.push(text("noStreamApi"));
  else {
    if (postgresFails) problems.push(text("postgresDown"));
    if (degraded.length > 0) problems.push(text("degradedMore", named(degraded)));

    if (degraded.length > 0 && broadcasters.length > 0 && !broadcasters.some(({ leader }) => leader))
      problems.push(text("noLeader"));

    if (lost.length > 0) problems.push(text("lostMore", named(lost)));
  }

  if (stale && history.last > 0)
    problems.push(text("stream.asOf", { time: clockTime(at ? Date.parse(at) : history.last * 1000) }));

  // The worst one counts.
  let mode = "live";

  if (!reachable) mode = "unreachable";
  else if (postgresFails) mode = "broken";
  else if (degraded.length > 0) mode = "degraded";
  else if (lost.length > 0) mode = "lost";

  const noStatus = signedOut ? "stream.closed" : "gone";
  element("mode").dataset.mode = mode;
  element("content").dataset.stale = stale;
  put("mode-text", text(status ? mode : noStatus));
  put("problems", problems.join(" "));
  element("trouble").hidden = problems.length === 0;
  element("sign-in").hidden = !signedOut || !hasSignIn;
}

function tables({ replicas, broadcasters }) {
  const alive = replicas.filter(({ lost }) => !lost);
  const since = ({ seenAt }) => text("lostSince", { time: clockTime(Date.parse(seenAt)) });
  show(
    "replica-rows",
    replicas.map((replica) =>
      replicaRow(replica, { ...history.now([replica.name]), ...history.counts(replica.name) }, text, since),
    ),
    "noReplicas",
  );

  show(
    "broadcaster-rows",
    broadcasters.map((broadcaster) => broadcasterRow(broadcaster, text)),
    "noBroadcaster",
  );

  for (const [id, check] of [
    ["postgres", "sse-store"],
    ["redis", "sse-redis"],
  ])
    healthOf(element(id), worst(alive, check), text);

  if (alive.length > 0)
    put(
      "fanout",
      text("fanout", {
        replicas: text("replicas", { count: count(alive.length) }),
        connections: text("open", { count: count(alive.reduce((sum, { connections }) => sum + connections, 0)) }),
      }),
    );
}

function show(id, rows, none) {
  fill(element(id), rows.length > 0 ? rows : [noRow(element(id), text(none))]);
}

function showTotals() {
  const { appended, delivered, latency } = history.now();
  put("appended", history.last > 0 ? rate(appended) : "–");
  put("delivered", history.last > 0 ? rate(delivered) : "–");
  element("idle").hidden = !example && (history.last === 0 || !history.isIdle);
  element("lead").hidden = !element("idle").hidden;
  put("p99", latency ? `${milliseconds(latency.p99)} ms` : "–");
}

// Without what all names begin with; a random name, 32 hex digits, by its first eight.
function shortOf(name) {
  return name.replace(/^streamapi-/, "").replace(/^([0-9a-f]{8})[0-9a-f]{24}$/, "$1");
}

// A reader of the example's events, so that they are delivered too.
function follow(published) {
  element("idle-text").hidden = published; // which is no longer true
  example?.close();
  example = published ? openStream(`${streamApi}/v1/events/stream?topic=${EXAMPLE.topic}`) : undefined;
}

function draw() {
  const { times } = history;

  // Counts belong to their own second, so a carried-over value is not counted again.
  const counted = (of) =>
    history.together((stats, second) => stats.reduce((sum, entry) => sum + (entry.at === second ? of(entry) : 0), 0));

  const each = (of) =>
    names.length > 0
      ? names.map((name) => ({ name: shortOf(name), values: history.values(name, of) }))
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
    { name: "", values: history.together((stats) => Math.max(...stats.map(({ appended = 0 }) => appended))) },
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
