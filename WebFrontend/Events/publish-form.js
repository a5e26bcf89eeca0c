import { newUuid } from "../Shared/ids.js";
import { reasonOf, refusalOf } from "../Shared/requests.js";
import { fieldError, isTopic, streamApi } from "../Shared/text.js";

/** The form that publishes one event. Checks the fields first, and shows the server's errors at their fields. */
export function publishForm(form, text) {
  const { topic, type, data } = form.elements;
  let unanswered; // { id, content } of the last event until it is accepted
  const result = document.getElementById("publish-result");

  const checks = new Map([
    [topic, () => fieldError(topic, isTopic(topic.value.trim()) ? null : text("badTopic"))],
    [type, () => fieldError(type, type.value.trim() !== "" ? null : text("badType"))],
    [data, () => fieldError(data, jsonError(data.value))],
  ]);

  const jsonError = (value) => {
    try {
      JSON.parse(value);
    } catch (error) {
      // Browsers word the message differently, in English; some name line and column.
      const [, line, column] = /line (\d+) column (\d+)/.exec(error.message) ?? [];
      return line ? text("badJsonAt", { line, column }) : text("badJson");
    }
  };

  // Typing only clears an error; submitting shows it. Shown on blur, it would move the button away from the pointer.
  for (const [field, check] of checks)
    field.addEventListener("input", () => field.hasAttribute("aria-invalid") && check());

  data.addEventListener("keydown", (key) => {
    if (key.key === "Enter" && (key.ctrlKey || key.metaKey)) form.requestSubmit();
  });

  form.addEventListener("submit", async (submit) => {
    submit.preventDefault();
    const wrong = [...checks].filter(([, check]) => !check());
    if (wrong.length > 0) return wrong[0][0].focus();
    say(text("sending"));
    await send();
  });

  async function send() {
    // Sends the data as typed: a JSON round trip would change 10000000000000000001.
    const [topicJson, typeJson] = [topic, type].map(({ value }) => JSON.stringify(value.trim()));
    const content = `"topic":${topicJson},"type":${typeJson},"data":${data.value}`;

    // The same event again until it is accepted: the server stores it once, also after a 503 or a lost answer.
    if (unanswered?.content !== content) unanswered = { id: newUuid(), content };

    try {
      const response = await fetch(`${streamApi}/v1/events`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: `{"id":"${unanswered.id}",${content}}`,
        signal: AbortSignal.timeout(15_000),
      });

      if (response.status === 202) {
        const { events } = await response.json();
        unanswered = undefined;
        return say(text("accepted", { position: events[0].position }), "good");
      }

      const refusal = await refusalOf(response);
      for (const field of checks.keys()) if (refusal.errors[field.name]) fieldError(field, refusal.errors[field.name]);
      say(text("rejected", { reason: reasonOf(refusal, text) }), "bad");
    } catch {
      say(text("rejected", { reason: text("stream.unreachable", { url: streamApi }) }), "bad");
    }
  }

  function say(message, kind = "") {
    result.textContent = message;
    result.className = kind;
  }
}
