import { milliseconds } from "../Shared/numbers.js";

/** One tool call: name, arguments, result and duration. */
export class ToolView {
  element = make("li", "step tool");
  #text;
  #call = make("dl", "call");
  #duration = make("span", "duration");

  constructor({ tool, input }, text) {
    this.#text = text;
    this.element.dataset.state = "running";
    this.#duration.textContent = text("running");

    const card = make("div", "card");
    const head = make("div", "card-head");
    head.append(make("h3", "", tool), this.#duration);
    this.#addRow(text("arguments"), this.#arguments(input));
    card.append(head, this.#call);
    this.element.append(card);
  }

  end({ output, durationMs }) {
    const failed = output?.error !== undefined;
    this.element.dataset.state = failed ? "failed" : "done";

    this.#duration.textContent = [
      failed && this.#text("failed"),
      durationMs !== undefined && this.#text("duration", { ms: milliseconds(durationMs) }),
    ]
      .filter(Boolean)
      .join(" · ");

    if (isTable(output)) {
      this.#addRow(this.#text("result"), this.#text("rows", { count: output.length }));
      this.#call.append(table(output, this.#text("result")));
    } else this.#addRow(this.#text("result"), shown(output));
  }

  #arguments(input) {
    const entries = Object.entries(input ?? {});
    if (entries.length === 0) return this.#text("none");

    const code = make("code");
    entries.forEach(([name, value], i) =>
      code.append(
        ...(i > 0 ? ["\n"] : []),
        make("span", "name", `${name}: `),
        typeof value === "string" ? value : JSON.stringify(value),
      ),
    );

    return code;
  }

  #addRow(name, ...content) {
    const says = document.createElement("dd");
    says.append(...content);
    this.#call.append(make("dt", "", name), says);
  }
}

/** A result that is no table. */
function shown(output) {
  if (output?.error !== undefined) return make("span", "bad", output.error);
  if (typeof output === "object") return make("code", "", JSON.stringify(output, null, 2));
  return make("span", "value", String(output));
}

const isTable = (output) =>
  Array.isArray(output) &&
  output.length > 0 &&
  output.every((row) => row !== null && typeof row === "object" && !Array.isArray(row));

function table(rows, name) {
  const columns = Object.keys(rows[0]);
  const number = (column) => (typeof rows[0][column] === "number" ? "number" : "");

  const digits = Object.fromEntries(
    columns.map((column) => [column, Math.max(...rows.map((row) => decimals(row[column])))]),
  );

  const place = make("dd", "scroll");
  const made = make("table");
  const head = make("thead");
  const body = make("tbody");

  const line = (cells) => {
    const row = make("tr");
    row.append(...cells);
    return row;
  };

  place.tabIndex = 0;
  made.ariaLabel = name;
  head.append(line(columns.map((column) => Object.assign(make("th", number(column), column), { scope: "col" }))));

  body.append(
    ...rows.map((row) => line(columns.map((column) => make("td", number(column), cell(row[column], digits[column]))))),
  );

  made.append(head, body);
  place.append(made);

  return place;
}

/** Number of decimal digits. */
const decimals = (value) => (typeof value === "number" ? (/\.(\d+)$/.exec(String(value))?.[1].length ?? 0) : 0);

/** Formats a number with the digits of the longest in its column, so that decimal points align. */
function cell(value, digits) {
  if (typeof value === "object") return JSON.stringify(value);
  const isPadded = typeof value === "number" && digits > decimals(value) && !String(value).includes("e");
  return isPadded ? value.toFixed(digits) : String(value);
}

function make(name, style = "", content = "") {
  const made = document.createElement(name);
  if (style) made.className = style;
  if (content) made.textContent = content; // never as markup: tool output is untrusted
  return made;
}
