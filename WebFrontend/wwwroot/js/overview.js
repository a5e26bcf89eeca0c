import { ConnectionFeed } from "./connection-feed.js";
import { compact, count, milliseconds, rate } from "./numbers.js";
import { Samples } from "./samples.js";
import { broadcasterRow, healthOf, replicaRow, worst } from "./overview-tables.js";
import { textsOf } from "./text.js";
import { TimeChart } from "./time-chart.js";

const SECONDS = 300;
const element = (id) => document.getElementById(id);
const text = textsOf(element("overview"));
const samples = new Samples(SECONDS);
const charts = {
  deliveries: new TimeChart(element("chart-deliveries"), rate, SECONDS),
  latency: new TimeChart(element("chart-latency"), milliseconds, SECONDS, { logarithmic: true }),
  connections: new TimeChart(element("chart-connections"), compact, SECONDS, { whole: true }),
  lag: new TimeChart(element("chart-lag"), compact, SECONDS, { whole: true }),
};
let totals; // since the last sample
let feedState = { state: "connecting" };
let relayed; // { position, at, of }

new ConnectionFeed({ totals: (now) => (totals = now), state: (now) => (feedState = now) });
draw();
for (;;) {
  if (!document.hidden) await refresh();
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

async function refresh() {
  let status;
  try {
    const response = await fetch("/status", { signal: AbortSignal.timeout(5000), cache: "no-store" });
    if (response.ok) status = await response.json();
  } catch { /* said below */ }
  tell(status);
  if (!status?.reachable) return;
  tables(status);
  sample(status);
  draw();
}

// The state of all in one word, and what is wrong in one sentence.
function tell(status) {
  const { reachable, replicas = [], broadcasters = [] } = status ?? {};
  const degraded = replicas.filter(({ mode }) => mode === "degraded");
  const troubles = [];
  if (!status) troubles.push(text("noFrontend"));
  else if (!reachable) troubles.push(text("noStreamApi"));
  else {
    if (worst(replicas, "eventstore") !== "Healthy") troubles.push(text("postgresDown"));
    if (degraded.length > 0) troubles.push(text("degradedMore", { replicas: degraded.map(({ name }) => name).join(", ") }));
    if (broadcasters.length > 0 && !broadcasters.some(({ leader }) => leader)) troubles.push(text("noLeader"));
    if (feedState.state === "waiting" || feedState.state === "closed") troubles.push(text("noConnections"));
  }
  const mode = !reachable ? "unreachable" : worst(replicas, "eventstore") !== "Healthy" ? "broken" : degraded.length > 0 ? "degraded" : "live";
  element("mode").dataset.mode = mode;
  put("mode-text", text(mode));
  put("trouble", troubles.join(" "));
  element("trouble").hidden = troubles.length === 0;
}

function tables({ replicas, broadcasters }) {
  const by = totals?.replicas ?? {};
  element("replica-rows").replaceChildren(...replicas.map((replica) => replicaRow(replica, by[replica.name], text)));
  element("broadcaster-rows").replaceChildren(...broadcasters.map((broadcaster) => broadcasterRow(broadcaster, text)));
  for (const [id, check] of [["postgres", "eventstore"], ["redis", "redis"]]) healthOf(element(id), worst(replicas, check), text);
  put("replica-count", count(replicas.length));
}

function sample({ replicas, broadcasters }) {
  const leader = broadcasters.find((broadcaster) => broadcaster.leader);
  const now = Date.now();
  // How far the leader came since the last time is how much was appended.
  const comparable = leader && relayed && relayed.of === leader.name && leader.relayed >= relayed.position && now - relayed.at < 5000;
  const appended = comparable ? ((leader.relayed - relayed.position) * 1000) / (now - relayed.at) : null;
  relayed = leader && { position: leader.relayed, at: now, of: leader.name };
  const fresh = totals?.counted ? totals : undefined;
  put("appended", appended === null ? "–" : rate(appended));
  put("p99", fresh?.latency ? `${milliseconds(fresh.latency.p99)} ms` : "–");
  samples.add({
    time: now / 1000,
    latency: fresh?.latency,
    appended,
    relayLag: leader?.lag,
    replicas: Object.fromEntries(replicas.map(({ name, connections, lag }) => [name, { connections, lag, deliveries: fresh ? (fresh.replicas[name]?.deliveries ?? 0) : null }])),
  });
}

function draw() {
  const { times, replicas: names } = samples;
  const short = (name) => name.replace(/^streamapi-/, "");
  const each = (of) => names.map((name) => ({ name: short(name), values: samples.values(({ replicas }) => replicas?.[name] && of(replicas[name])) }));
  const none = names.length === 0 ? [{ name: "…", values: [] }] : [];
  charts.deliveries.show(times, [...each((replica) => replica.deliveries), ...none]);
  charts.latency.show(times, ["p50", "p95", "p99"].map((name) => ({ name, values: samples.values(({ latency }) => latency?.[name]) })));
  charts.connections.show(times, [...each((replica) => replica.connections), ...none]);
  charts.lag.show(times, [...each((replica) => replica.lag), { name: text("relay"), values: samples.values(({ relayLag }) => relayLag) }]);
}

function put(id, value) {
  if (element(id).textContent !== value) element(id).textContent = value;
}
