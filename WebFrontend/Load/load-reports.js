import { count, milliseconds, rate } from "../Shared/numbers.js";

const element = (id) => document.getElementById(id);
const dateTime = new Intl.DateTimeFormat(document.documentElement.lang, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** Lists the reports of earlier runs. A scenario's page opens in a sandboxed frame below the table. */
export class LoadReports {
  #text;

  constructor(text) {
    this.#text = text;
    element("report-close").addEventListener("click", () => this.#close());
  }

  async read() {
    try {
      const response = await fetch("/load/reports", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
      if (!response.ok) throw new Error();

      const reports = await response.json();
      element("reports-said").textContent = "";
      element("reports").hidden = reports.length === 0;
      element("no-reports").hidden = reports.length > 0;

      element("report-rows").replaceChildren(
        ...reports.flatMap((report) => report.results.map((result) => this.#row(report, result))),
      );
    } catch {
      element("reports-said").textContent = this.#text("notRead");
    }
  }

  #row({ id, at, pages }, result) {
    const text = this.#text;
    const row = document.createElement("tr");

    const {
      scenario,
      ok,
      stopped,
      failed = [],
      connected,
      received,
      lost,
      duplicates,
      reordered,
      deliveredPerSecond,
      deliveryMs,
    } = result;

    const when = dateTime.format(new Date(at));
    const verdict = cell("td", "", "");
    verdict.append(verdictOf(ok ? "held" : stopped ? "stopped" : "broken", text));
    verdict.title = failed.join("\n");

    row.append(
      cell("td", when),
      Object.assign(cell("th", scenario), { scope: "row" }),
      verdict,
      number(connected),
      number(received),
      // The deliveries under way when a run is stopped are not lost.
      ...[stopped ? null : lost, duplicates, reordered].map((faults) => number(faults, faults > 0 ? "bad" : "")),
      cell("td", rate(deliveredPerSecond ?? 0), "number"),
      ...["p50", "p95", "p99"].map((percent) => cell("td", milliseconds(deliveryMs?.[percent]), "number")),
    );

    const page = cell("td", pages.includes(scenario) ? "" : "–");

    if (pages.includes(scenario)) {
      const title = text("pageOf", { scenario, when });
      const button = document.createElement("button");

      button.type = "button";
      button.className = "button small";
      button.textContent = text("page");
      button.ariaLabel = title;

      button.addEventListener("click", () =>
        this.#open(`/load/reports/${encodeURIComponent(id)}/${encodeURIComponent(scenario)}`, title),
      );

      page.append(button);
    }

    row.append(page);
    return row;
  }

  #open(address, title) {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts"; // an opaque origin: no access to this page or its network
    frame.src = address;
    frame.title = title;
    element("report-place").replaceChildren(frame);
    element("report-title").textContent = title;
    element("report-tab").href = address;
    element("report").hidden = false;
    element("report-title").focus();
  }

  #close() {
    element("report").hidden = true;
    element("report-place").replaceChildren();
    element("reports").focus();
  }
}

function verdictOf(name, text) {
  const verdict = cell("span", text(name), "verdict");
  verdict.dataset.verdict = name;
  return verdict;
}

const number = (value, style = "") =>
  cell("td", value === undefined || value === null ? "–" : count(value), `number ${style}`.trim());

function cell(name, content, style = "") {
  const node = document.createElement(name);
  node.textContent = content;
  if (style) node.className = style;
  return node;
}
