// Formats times in the page's language.
const language = document.documentElement.lang;
const format = (options) => new Intl.DateTimeFormat(language, { hourCycle: "h23", ...options });
const [second, minute] = [{ timeStyle: "medium" }, { hour: "2-digit", minute: "2-digit" }].map(format);
const [day, daySecond] = [
  { month: "short", day: "numeric" },
  { dateStyle: "medium", timeStyle: "medium" },
].map(format);
const isToday = (at) => new Date(at).toDateString() === new Date().toDateString();

/** "17:00:02", with the date if that is not today. */
export const clockTime = (at) => (isToday(at) ? second : daySecond).format(at);

/** "17:00", or the day if that is not today. */
export const timeOrDay = (at) => (isToday(at) ? minute : day).format(at);
