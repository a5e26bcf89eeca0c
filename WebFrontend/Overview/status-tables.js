import { count, list, milliseconds, rate } from "../Shared/numbers.js";

const ORDER = ["Healthy", "Degraded", "Unhealthy"];

/** The status of one part in a replica's health; undefined for a replica that does not answer. */
function partOf({ health }, part) {
  if (!health) return undefined;
  return health.checks[part]?.status ?? health.status;
}

/** The worst status of a part over the replicas whose health is known; undefined without one. */
export function worst(replicas, part) {
  const known = replicas.map((replica) => partOf(replica, part)).filter((status) => status !== undefined);
  return ORDER[Math.max(...known.map((status) => ORDER.indexOf(status)))];
}

export function healthOf(place, status, text) {
  place.dataset.health = status ?? "Unknown";
  const label = text(status ?? "Unknown");
  if (place.textContent !== label) place.textContent = label;
  return place;
}

/** A row with a replica's stats; a lost replica shows its last ones and `since` when. */
export function replicaRow(replica, { delivered, latency, resumes, resyncs }, text, since) {
  const row = document.createElement("tr");
  row.dataset.name = replica.name;
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
    ...["sse-store", "sse-redis"].map((part) =>
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
  reasons.textContent = list(all.map(([reason, many]) => `${text(`stream.resync.${reason}`)} ${count(many)}`));
  node.append(" ", reasons);

  return node;
}

export function broadcasterRow({ name, leader, relayed, lag, fence }, text) {
  const row = document.createElement("tr");
  row.dataset.name = name;
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

/**
 * Shows rows in a table. A row of the same name and a cell with the same content stay, so that a selection and a screen
 * reader keep their places.
 */
export function fill(body, rows) {
  const shown = new Map([...body.rows].map((row) => [row.dataset.name, row]));
  const kept = rows.map((row) => update(shown.get(row.dataset.name), row));
  for (const row of [...body.rows]) if (!kept.includes(row)) row.remove();
  kept.forEach((row, i) => body.rows[i] !== row && body.insertBefore(row, body.rows[i] ?? null));
}

function update(row, fresh) {
  if (row?.cells.length !== fresh.cells.length) return fresh;
  Object.assign(row.dataset, fresh.dataset);
  const cells = [...fresh.cells];
  [...row.cells].forEach((cell, i) => cell.isEqualNode(cells[i]) || cell.replaceWith(cells[i]));
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
