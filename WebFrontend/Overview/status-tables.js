import { count, milliseconds, rate } from "../Shared/numbers.js";

const ORDER = ["Healthy", "Degraded", "Unhealthy"];
const REDIS = /redis/i;

/** The status of one part in a replica's health; undefined for a replica that does not answer. */
const partOf = ({ health }, part) =>
  health &&
  (Object.entries(health.checks).find(([name]) => (part === "redis" ? REDIS.test(name) : name === part))?.[1].status ??
    health.status);

/** The worst status of a part over all replicas. */
export const worst = (replicas, part) =>
  ORDER[
    Math.max(
      ...replicas.map((replica) => ORDER.indexOf(partOf(replica, part) ?? "Unhealthy")),
      replicas.length > 0 ? 0 : 2,
    )
  ];

export function healthOf(place, status, text) {
  place.dataset.health = status ?? "Unknown";
  const label = text(status ?? "Unknown");
  if (place.textContent !== label) place.textContent = label;
  return place;
}

/** A row with a replica's stats; a lost replica shows its last ones and `since` when. */
export function replicaRow(replica, { delivered, latency, resumes, resyncs }, text, since) {
  const row = document.createElement("tr");
  row.dataset.lost = replica.lost;
  const mode = cell("td", replica.lost ? since(replica) : text(replica.mode), "mode");
  mode.dataset.mode = replica.lost ? "lost" : replica.mode;
  row.append(
    cell("th", replica.name),
    mode,
    cell("td", count(replica.connections), "number"),
    cell("td", replica.lost ? "–" : rate(delivered), "number"),
    ...["p50", "p95", "p99"].map((name) =>
      cell("td", latency && !replica.lost ? `${milliseconds(latency[name])} ms` : "–", "number"),
    ),
    cell("td", count(replica.lag), "number"),
    cell("td", count(resumes), "number"),
    resyncCell(resyncs, text),
    ...["eventstore", "redis"].map((part) =>
      healthOf(cell("td", "", "health"), replica.lost ? undefined : partOf(replica, part), text),
    ),
  );
  return row;
}

function resyncCell(resyncs, text) {
  const all = Object.entries(resyncs).sort(([, a], [, b]) => b - a);
  const node = cell("td", count(all.reduce((sum, [, many]) => sum + many, 0)), "number");
  if (all.length === 0) return node;
  const reasons = document.createElement("small");
  reasons.textContent = all.map(([reason, many]) => `${text(`resync.${reason}`)} ${count(many)}`).join(", ");
  node.append(" ", reasons);
  return node;
}

export function broadcasterRow({ name, leader, relayed, lag, fence }, text) {
  const row = document.createElement("tr");
  const role = cell("td", text(leader ? "leader" : "standby"), "role");
  role.dataset.leader = leader;
  row.append(
    cell("th", name),
    role,
    ...[leader ? relayed : null, leader ? lag : null, leader ? fence : null].map((value) =>
      cell("td", value === null ? "–" : count(value), "number"),
    ),
  );
  return row;
}

/** The only row of an empty table. */
export function noRow(body, words) {
  const row = document.createElement("tr");
  row.className = "waiting";
  const only = row.appendChild(cell("td", words));
  only.colSpan = body.parentElement.querySelectorAll("thead th").length;
  return row;
}

function cell(name, content, style = "") {
  const node = document.createElement(name);
  node.textContent = content;
  node.className = style;
  if (name === "th") node.scope = "row";
  return node;
}
