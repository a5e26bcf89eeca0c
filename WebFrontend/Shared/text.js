/** The texts that the server put on an element (`data-texts`), filled in: `text("waiting", { seconds: 3 })`. */
export function textsOf(element) {
  const texts = JSON.parse(element.dataset.texts);
  return (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const streamApi = document.body.dataset.streamApi;

/** What may be published to, and what may be subscribed: the rules of the API, to answer while typing. */
export const isTopic = (topic) => topic.length <= 256 && /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(topic);
export const isPattern = (pattern) =>
  pattern.length <= 256 && /^(>|([A-Za-z0-9_-]+|\*)(\.([A-Za-z0-9_-]+|\*))*(\.>)?)$/.test(pattern);

/** Shows an error at its field, or takes it away. */
export function fieldError(input, message) {
  const place = document.getElementById(`${input.id}-error`);
  place.textContent = message ?? "";
  place.hidden = !message;
  if (message) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  return !message;
}
