import { ConnectionFeed } from "./connection-feed.js";
import { BANDS } from "./connection-table.js";
import { connectionRow } from "./connection-row.js";
import { HeatMap } from "./heat-map.js";
import { count, milliseconds, rate } from "../Shared/numbers.js";
import { reasonOf, refusalOf } from "../Shared/requests.js";
import { RowWindow } from "./row-window.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { streamApi, textsOf } from "../Shared/text.js";

let arranged = false; // true until the rows of a new filter arrive
let pointed; // cell of the heat map under the pointer
const element = (id) => document.getElementById(id);
const text = textsOf(element("connections"));
const view = { sort: "p99", descending: true, filter: "", state: "", hold: false };
const state = new StreamState(text, () => feed.reconnect());
const feed = new ConnectionFeed({ totals, rows, heat, state: (now) => state.show(now) }, { rows: true, heat: true });
const list = new RowWindow(
  element("region"),
  element("rows"),
  () => connectionRow(text, confirmClose),
  (from, to) => feed.view({ from, to }),
);
const map = new HeatMap(element("heat"), {
  over: showCell,
  out() {
    pointed = undefined;
    element("cell").hidden = true;
  },
  chosen: filterByCell,
});

restore();
for (const button of element("table").querySelectorAll("[data-sort]")) {
  button.addEventListener("click", () =>
    arrange({
      sort: button.dataset.sort,
      descending: view.sort === button.dataset.sort ? !view.descending : button.dataset.first === "descending",
    }),
  );
}
element("sort").addEventListener("change", ({ target }) =>
  arrange({ sort: target.value, descending: target.selectedOptions[0].dataset.first === "descending" }),
);
element("filter").addEventListener("input", ({ target }) => arrange({ filter: target.value }));
element("only").addEventListener("change", ({ target }) => arrange({ state: target.value }));

// Rows keep their places while the pointer or the focus is on them, so that no click hits a row that just moved.
const hold = (held) => view.hold !== held && feed.view({ hold: (view.hold = held) });
const release = () => view.hold && hold(element("rows").matches(":hover, :focus-within"));
element("rows").addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && hold(true));
element("rows").addEventListener("pointerleave", release);
element("rows").addEventListener("focusin", () => hold(true));
element("rows").addEventListener("focusout", release);

function arrange(change) {
  arranged = true;
  Object.assign(view, change);
  feed.view(view);
  element("region").scrollTop = 0;

  for (const header of element("table").querySelectorAll("[role=columnheader]")) {
    const sorted = header.querySelector("[data-sort]")?.dataset.sort === view.sort;
    if (sorted) header.setAttribute("aria-sort", view.descending ? "descending" : "ascending");
    else header.removeAttribute("aria-sort");
  }

  element("sort").value = view.sort;
  const url = new URL(location.href);

  for (const [name, value, usual] of [
    ["sort", `${view.descending ? "-" : ""}${view.sort}`, "-p99"],
    ["filter", view.filter, ""],
    ["state", view.state, ""],
  ]) {
    if (value === usual) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }

  history.replaceState(null, "", url);
}

// Restores the filter from the address, so that a link shows the same view.
function restore() {
  const query = new URLSearchParams(location.search);
  const sort = query.get("sort") ?? "-p99";
  const known = [...element("sort").options].some(({ value }) => value === sort.replace("-", ""));

  element("filter").value = query.get("filter") ?? "";
  element("only").value = query.get("state") ?? "";

  arrange({
    sort: known ? sort.replace("-", "") : "p99",
    descending: !known || sort.startsWith("-"),
    filter: element("filter").value,
    state: element("only").value,
  });
}

function totals({ replicas, latency, connections, partial, counted }) {
  const all = Object.values(replicas);
  element("open").textContent = count(connections);
  element("deliveries").textContent = counted ? rate(all.reduce((sum, replica) => sum + replica.deliveries, 0)) : "–";

  element("latency").textContent = latency
    ? [latency.p50, latency.p95, latency.p99].map(milliseconds).join(" / ")
    : "–";

  element("behind").textContent = count(all.reduce((sum, replica) => sum + replica.slow, 0));
  element("partial").hidden = !partial;
}

function rows({ rows: shown, from, shown: matching, size, known }) {
  if (!known) return; // still loading

  list.count = matching;
  list.show(shown, from);
  release(); // a removed row loses the focus without an event

  element("table").setAttribute("aria-rowcount", matching + 1);
  element("empty").hidden = matching > 0;
  element("empty").removeAttribute("data-loading");
  put("empty", text(size > 0 ? "noMatch" : "none"));

  const said = matching === size ? "" : text("matching", { matching: count(matching), size: count(size) });
  put("matching", said);
  if (arranged) put("matching-said", said); // read aloud after a change of the filter, not every second
  arranged = false;
}

function heat({ bands, counts }) {
  map.show(bands);
  counts.forEach((many, band) => (element(`band-${band}`).textContent = count(many)));
  const slow = counts.slice(BANDS.indexOf(100) + 2).reduce((sum, many) => sum + many, 0);
  element("heat").setAttribute("aria-label", text("heat", { count: count(bands.length), slow: count(slow) }));
}

async function showCell(index, x, y) {
  pointed = index;
  const row = await feed.at(index);
  if (pointed !== index) return; // the pointer has left meanwhile

  const cell = element("cell");
  cell.hidden = !row;
  if (!row) return;

  cell.textContent = `${row.client} · ${row.topics.join(" ")} · p99 ${milliseconds(row.latencyMs?.p99)} ms`;
  cell.style.left = `${Math.min(x, element("heat").clientWidth - cell.offsetWidth)}px`;
  cell.style.top = `${y + 18}px`;
}

async function filterByCell(index) {
  const row = await feed.at(index);
  if (!row) return;
  element("filter").value = row.id;
  arrange({ filter: row.id });
}

function confirmClose(row) {
  const dialog = element("confirm");
  element("confirm-text").textContent = text("confirm", { client: row.client, topics: row.topics.join(" ") });
  dialog.onclose = () => dialog.returnValue === "close" && close(row);
  dialog.returnValue = "";
  dialog.showModal();
}

async function close({ id, client }) {
  try {
    const response = await fetch(`${streamApi}/v1/connections/${encodeURIComponent(id)}`, {
      method: "DELETE",
      signal: AbortSignal.timeout(15_000),
    });

    if (response.ok) say(text("closed", { client }));
    else if (response.status === 404) say(text("gone", { client }));
    else say(text("notClosed", { reason: reasonOf(await refusalOf(response), text) }));
  } catch {
    say(text("notClosed", { reason: text("stream.unreachable", { url: streamApi }) }));
  }
}

function put(id, value) {
  if (element(id).textContent !== value) element(id).textContent = value;
}

function say(message) {
  element("said").textContent = message;
}
