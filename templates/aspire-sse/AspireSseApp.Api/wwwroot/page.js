const status = document.getElementById("status");
const messages = document.getElementById("messages");
const form = document.getElementById("form");
const text = document.getElementById("text");

// Begins with the earliest message. After a break the browser connects again by itself and sends the id of the last
// event, so nothing is lost.
const stream = new EventSource("/rooms/lobby/events?from=earliest");
stream.addEventListener("open", () => (status.textContent = "Live"));
stream.addEventListener("error", () => (status.textContent = "Not connected; trying again…"));
stream.addEventListener("message", (event) => {
  const item = document.createElement("li");
  item.textContent = JSON.parse(event.data).text;
  messages.append(item);
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch("/rooms/lobby/messages", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: text.value }),
  }).catch(() => null); // no answer: the API is away

  if (answer?.ok) form.reset();
  else status.textContent = `The message was not sent (${answer?.status ?? "no answer"}). Try again.`;
});
