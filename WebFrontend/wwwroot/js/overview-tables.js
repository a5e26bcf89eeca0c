import { count, milliseconds, rate } from "./numbers.js";

const ORDER = ["Healthy", "Degraded", "Unhealthy"];
const REDIS = /redis/i;

/** What a replica's health says of one part; of a replica that does not answer nothing is known. */
const partOf = ({ health }, part) =>
  health && (Object.entries(health.checks).find(([name]) => (part === "redis" ? REDIS.test(name) : name === part))?.[1].status ?? health.status);

/** The worst that any replica says of a part. */
export const worst = (replicas, part) =>
  ORDER[Math.max(...replicas.map((replica) => ORDER.indexOf(partOf(replica, part) ?? "Unhealthy")), replicas.length > 0 ? 0 : 2)];

export function healthOf(place, status, text) {
  place.dataset.health = status ?? "Unknown";
  const said = text(status ?? "Unknown");
  if (place.textContent !== said) place.textContent = said;
  return place;
}

export function replicaRow(replica, totals, text) {
  const row = document.createElement("tr");
  const latency = totals?.latency;
  const mode = cell("td", text(replica.mode), "mode");
  mode.dataset.mode = replica.mode;
  row.append(
    cell("th", replica.name), mode, cell("td", count(replica.connections), "number"), cell("td", totals ? rate(totals.deliveries) : "–", "number"),
    ...["p50", "p95", "p99"].map((name) => cell("td", latency ? `${milliseconds(latency[name])} ms` : "–", "number")),
    cell("td", count(replica.lag), "number"),
    healthOf(cell("td", "", "health"), partOf(replica, "eventstore"), text), healthOf(cell("td", "", "health"), partOf(replica, "redis"), text));
  return row;
}

export function broadcasterRow({ name, leader, relayed, lag, fence }, text) {
  const row = document.createElement("tr");
  const role = cell("td", text(leader ? "leader" : "spare"), "role");
  role.dataset.leader = leader;
  row.append(cell("th", name), role, ...[leader ? relayed : null, leader ? lag : null, leader ? fence : null].map((value) => cell("td", value === null ? "–" : count(value), "number")));
  return row;
}

function cell(name, content, style = "") {
  const made = document.createElement(name);
  made.textContent = content;
  made.className = style;
  if (name === "th") made.scope = "row";
  return made;
}
