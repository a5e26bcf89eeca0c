// A line chart of the last minutes (uPlot). The legend shows the latest values or those at the pointer. Without uPlot
// the page goes on with the legend alone.

const uPlot = await import("../lib/uplot.js").then(
  ({ default: loaded }) => loaded,
  (error) => console.error("The charts cannot be drawn:", error),
);

const dark = matchMedia("(prefers-color-scheme: dark)");
const sync = uPlot?.sync("time");

export class TimeChart {
  #panel;
  #plot;
  #format;
  #seconds;
  #names;
  #data;
  #values = [];
  #logarithmic;
  #whole;
  #shortest;
  #height;

  /**
   * `panel` contains `.chart` and `.legend`; `format` formats a value; the time axis grows from `shortest` to
   * `seconds`.
   */
  constructor(panel, format, seconds, { logarithmic = false, whole = false, shortest = 60, height = 168 } = {}) {
    this.#panel = panel;
    this.#format = format;
    this.#seconds = seconds;
    this.#logarithmic = logarithmic;
    this.#whole = whole;
    this.#shortest = shortest;
    this.#height = height;

    this.#place().hidden = !uPlot;
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.#place());
    dark.addEventListener("change", () => this.#plot?.redraw(false));
  }

  /** `times` in Unix seconds; one line `{ name, values }` per series; null is a gap. */
  show(times, lines) {
    const names = lines.map(({ name }) => name).join("\n");
    if (names !== this.#names) this.#make(lines);
    this.#names = names;
    this.#data = [times, ...lines.map(({ values }) => values)];
    this.#plot?.setData(this.#data, false);

    const now = times.at(-1) ?? Date.now() / 1000;
    const shown = Math.min(this.#seconds, Math.max(this.#shortest, now - (times[0] ?? now)));
    const values = lines.flatMap((line) => line.values).filter((value) => value !== null);

    this.#plot?.batch(() => {
      this.#plot.setScale("x", { min: now - shown, max: now });
      this.#plot.setScale(
        "y",
        this.#logarithmic ? decades(values) : { min: 0, max: roof(Math.max(...values, this.#whole ? 4 : 0)) },
      );
    });

    this.#updateLegend();
  }

  #make(lines) {
    this.#plot?.destroy();
    if (uPlot) this.#plot = this.#plotOf(lines);

    const legend = this.#panel.querySelector(".legend");
    this.#values = [];

    legend.replaceChildren(
      ...lines.map(({ name }, i) => {
        const item = document.createElement("li");
        const swatch = document.createElement("span");
        const value = document.createElement("b");

        swatch.className = `line line-${(i % 4) + 1}`;
        item.append(swatch, `${name} `, value);
        this.#values.push(value);

        return item;
      }),
    );
  }

  #plotOf(lines) {
    const colour = (name) => () => getComputedStyle(this.#panel).getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--muted"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };

    const across = {
      ...axis,
      space: 70,
      size: 26,
      gap: 4,
      incrs: TIMES,
      values: (_, ticks) =>
        ticks.map((tick) => (ticks.every((other) => other % 60 === 0) ? minutes : clock).format(tick * 1000)),
    };

    const up = {
      ...axis,
      size: 48,
      space: 28,
      grid: { ...axis.grid, filter: (_, splits) => (this.#logarithmic ? splits.map(decade) : splits) },
      incrs: this.#whole ? WHOLE : undefined,
      values: (_, ticks) => distinct(ticks, this.#format),
    };

    const series = lines.map((line, i) => ({
      stroke: colour(`--series-${(i % 4) + 1}`),
      width: 1.75,
      dash: DASHES[i % DASHES.length],
      points: { show: false },
      spanGaps: false,
      fill: lines.length === 1 ? colour("--series-1-faint") : undefined,
    }));

    return new uPlot(
      {
        ...this.#size(),
        legend: { show: false },
        padding: [8, 28, 0, 0],
        cursor: { sync: { key: sync.key }, drag: { x: false, y: false }, points: { size: 6 }, y: false },
        scales: { x: { time: true, auto: false }, y: { auto: false, distr: this.#logarithmic ? 3 : 1 } },
        axes: [across, up],
        series: [{}, ...series],
        hooks: { setCursor: [() => this.#updateLegend()] },
      },
      [[], ...lines.map(() => [])],
      this.#place(),
    );
  }

  #updateLegend() {
    if (!this.#data) return;

    const index = this.#plot?.cursor.idx ?? this.#data[0].length - 1;
    this.#values.forEach((place, i) => {
      const value = this.#data[i + 1][index];
      place.textContent = value === null || value === undefined ? "–" : this.#format(value);
    });
  }

  #place() {
    return this.#panel.querySelector(".chart");
  }

  #size() {
    return { width: Math.max(120, this.#place().clientWidth), height: this.#height };
  }
}

const DASHES = [undefined, [6, 3], [2, 3], [9, 3, 2, 3]];
const minutes = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];

const WHOLE = [1, 2, 5]
  .flatMap((step) => Array.from({ length: 8 }, (_, power) => step * 10 ** power))
  .sort((a, b) => a - b);

// Adds digits until no two tick labels are equal.
function distinct(ticks, format) {
  const write = (form) => ticks.map((tick) => (tick === null ? "" : form(tick)));
  const differ = (texts) => new Set(texts).size === new Set(ticks).size;
  let texts = write(format);
  for (let digits = 1; digits <= 6 && !differ(texts); digits++)
    texts = write(
      new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: digits })
        .format,
    );

  return texts;
}

const decade = (value) => (Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9 ? value : null);

// Powers of ten around all values.
function decades(values) {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return { min: 1, max: 100 };
  const low = Math.floor(Math.log10(Math.min(...positive)));
  const high = Math.ceil(Math.log10(Math.max(...positive)));
  return { min: 10 ** low, max: 10 ** Math.max(high, low + 1) };
}

// A round maximum, so that the scale does not change with every value.
function roof(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value * 1.1));
  return [1, 2, 3, 5, 10].find((step) => step * power >= value * 1.1) * power;
}
