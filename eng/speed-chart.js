// Draws docs/images/speed.svg from the last run of docs/benchmarks.md. Usage: node eng/speed-chart.js
import { readFileSync, writeFileSync } from "node:fs";
import { URL } from "node:url";

const docs = new URL("../docs/", import.meta.url);
const page = readFileSync(new URL("benchmarks.md", docs), "utf8");
const [, date, machine] = /^(\d{4}-\d\d-\d\d), ([^;]+);/m.exec(page);

// Deliveries per second, and the readers who share them.
const loads = [
  ["20,000", "1,000"],
  ["50,000", "1,000"],
  ["100,000", "1,000"],
  ["200,000", "1,000"],
  ["50,000", "5,000"],
];
const rows = ["20 k deliveries/s", "50 k ", "100 k ", "200 k ", "5,000 subscribers"];
const servers = ["StreamApi", "Nchan", "plain ASP.NET"];
const columns = [1, 2, 5];
const colours = ["#0b5cad", "#8a8f98", "#c77700"];

const cells = (start) => {
  const line = page.split("\n").find((line) => line.startsWith(`| ${start}`));
  return line.split("|").slice(1, -1);
};
const number = (text) => /[\d.]+/.exec(text)[0];

// Of each load: the value of each server.
const cost = rows.map((row) => columns.map((column) => number(cells(row)[column])));
const latency = cells("p99 ms at");
const slowest = loads.map((_, load) => columns.map((column) => number(latency[column].split("·")[load])));

const parts = [];
const text = (x, y, content, more = "") => parts.push(`<text x="${x}" y="${y}"${more}>${content}</text>`);

function panel(left, title, values, most, width) {
  text(left, 74, title, ' font-weight="bold"');
  values.forEach((group, load) =>
    group.forEach((value, server) => {
      const y = 88 + load * 62 + server * 18;
      const length = Math.round((value / most) * width);
      parts.push(`<rect x="${left}" y="${y}" width="${length}" height="15" fill="${colours[server]}"/>`);
      text(left + length + 6, y + 12, value);
    }),
  );
}

text(16, 26, "Cost and delay of a delivery: shorter is better", ' font-weight="bold" font-size="16"');
servers.forEach((server, i) => {
  const x = [540, 650, 735][i];
  parts.push(`<rect x="${x}" y="15" width="13" height="13" fill="${colours[i]}"/>`);
  text(x + 19, 26, server);
});
text(16, 74, "Deliveries/s", ' font-weight="bold"');
loads.forEach(([rate, readers], i) => {
  text(16, 110 + i * 62, rate);
  text(16, 127 + i * 62, `${readers} readers`, ' fill="#555555" font-size="11.5"');
});
panel(130, "CPU of all processes, µs per delivery", cost, 15, 290);
panel(490, "p99 from due to received, ms", slowest, 160, 320);

const note = ' fill="#555555" font-size="11.5"';
text(16, 414, `${date}; ${machine}; readers and publisher on the same machine.`, note);
text(
  16,
  431,
  "StreamApi stores each event with fsync before it delivers it. The other two keep events in memory.",
  note,
);

writeFileSync(
  new URL("images/speed.svg", docs),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 444" font-family="sans-serif" font-size="13">
<rect width="860" height="444" fill="#ffffff"/>
${parts.join("\n")}
</svg>
`,
);
