/**
 * Returns a function that formats the texts of an element's `data-texts`: `text("waiting", { seconds: 3 })`. For a
 * `count` of 1 it takes `<key>.one`, if there is one; a key without a text, a value of a newer StreamApi, is shown.
 */
export function textsOf(element) {
  const texts = JSON.parse(element.dataset.texts);
  const chosen = (key, { count }) =>
    (String(count) === "1" && texts[`${key}.one`]) || (texts[key] ?? key.slice(key.lastIndexOf(".") + 1));
  return (key, values = {}) => chosen(key, values).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const streamApi = document.body.dataset.streamApi;

/** The API's rules for topics and patterns, to check them while typing. */
export const isTopic = (topic) => topic.length <= 256 && /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(topic);
export const isPattern = (pattern) =>
  pattern.length <= 256 && /^(>|([A-Za-z0-9_-]+|\*)(\.([A-Za-z0-9_-]+|\*))*(\.>)?)$/.test(pattern);

/** Shows or clears a field's error. Returns true if there is none. */
export function fieldError(input, message) {
  const place = document.getElementById(`${input.id}-error`);
  place.textContent = message ?? "";
  place.hidden = !message;

  if (message) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");

  return !message;
}
