import { bandOf } from "./connection-table.js";
import { age, compact, count, milliseconds } from "../Shared/numbers.js";

const CELLS = ["state", "client", "topics", "replica", "age", "delivered", "p50", "p95", "p99", "lag", "rtt"];

/** A reusable row of the list. `show` writes only the cells that differ. */
export function connectionRow(text, close) {
  const element = document.createElement("div");
  element.setAttribute("role", "row");
  element.className = "row";
  const cells = {};

  for (const name of CELLS) {
    cells[name] = document.createElement("span");
    cells[name].setAttribute("role", "cell");
    cells[name].className = name;

    // Shown where there is no room for headers.
    cells[name].dataset.label = document.querySelector(`.columns .${name}`).getAttribute("aria-label");
    element.append(cells[name]);
  }

  const action = document.createElement("span");
  const button = document.createElement("button");

  action.setAttribute("role", "cell");
  action.className = "action";
  button.type = "button";
  button.className = "button small";
  button.textContent = text("close");
  action.append(button);
  element.append(action);

  let shown;
  button.addEventListener("click", () => close(shown));

  const put = (name, value) => {
    if (cells[name].textContent !== value) cells[name].textContent = value;
  };

  return {
    element,
    show(row, index) {
      if (shown?.id !== row.id) button.setAttribute("aria-label", text("closeOf", { client: row.client }));
      shown = row;
      element.setAttribute("aria-rowindex", index + 2);
      element.dataset.state = row.state;
      cells.p99.dataset.band = bandOf(row);

      put("state", text(row.state));
      put("client", row.user ? `${row.user} · ${row.client}` : row.client);
      put("topics", row.topics.join(" "));
      put("replica", row.replica.replace(/^streamapi-/, ""));
      put("age", age(Date.parse(row.connectedAt)));

      put("delivered", compact(row.delivered));
      put("p50", milliseconds(row.latencyMs?.p50));
      put("p95", milliseconds(row.latencyMs?.p95));
      put("p99", milliseconds(row.latencyMs?.p99));
      put("lag", count(row.lag));
      put("rtt", milliseconds(row.rttMs));
    },
  };
}
