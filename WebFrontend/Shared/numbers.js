// Formats numbers in the page's language.
const language = document.documentElement.lang;
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const few = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });

const items = new Intl.ListFormat(language, { style: "narrow", type: "conjunction" });
// Japanese has no narrow "3d": 3日
const unitDisplay = language === "en" ? "narrow" : "short";
const [inDays, inHours] = ["day", "hour"].map(
  (unit) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay }),
);

/** "a, b, c" */
export const list = (names) => items.format(names);
export const count = (value) => whole.format(value);
export const compact = (value) => (Math.abs(value) < 10_000 ? whole.format(value) : short.format(value));

/** A rate, with one decimal below 10. */
export const rate = (value) => (value > 0 && value < 10 ? few.format(Math.round(value * 10) / 10) : compact(value));

/** Milliseconds with three significant digits, whole above 100. */
export const milliseconds = (value) =>
  value === null || value === undefined ? "–" : few.format(value >= 100 ? Math.round(value) : value);

export function age(since, now = Date.now()) {
  const seconds = Math.max(0, Math.floor((now - since) / 1000));
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60);
  const two = (part) => String(part).padStart(2, "0");

  if (days > 0) return `${inDays.format(days)} ${inHours.format(hours % 24)}`;
  if (hours > 0) return `${hours}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}
