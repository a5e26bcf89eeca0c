// Formats prices and times in the page's language. The API has no currency; the shop uses dollars.
const money = new Intl.NumberFormat(document.documentElement.lang, {
  style: "currency",
  currency: "USD",
  currencyDisplay: "narrowSymbol",
});
const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

export const price = (value) => money.format(value);
export const time = (value) => clock.format(value);

export function node(name, style, content) {
  const element = document.createElement(name);
  if (style) element.className = style;
  if (content !== undefined) element.textContent = content;
  return element;
}

const SPECIES = ["cat", "dog", "rabbit", "bird", "fish"];
const SVG = "http://www.w3.org/2000/svg";
const { icons } = document.getElementById("petstore").dataset;

export const iconOf = (species) => `${icons}#${SPECIES.includes(species) ? species : "pet"}`;

export function icon(species) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");

  svg.setAttribute("class", `icon ${species}`);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", iconOf(species));
  svg.append(use);

  return svg;
}

/** Translates the server's English reason; unknown reasons stay as they are. */
export function reasonIn(text, reason) {
  const species = /^Matches your preference for (cat|dog|rabbit|bird|fish)s?$/.exec(reason)?.[1];
  if (species) return text("reason.species", { species: text(species) });

  const known = {
    "You ordered this before": "reason.before",
    "Close to what you usually spend": "reason.price",
    "Popular with other customers": "reason.popular",
    "New in the shop": "reason.new",
  }[reason];

  return known ? text(known) : reason;
}
