import { reasonOf, send } from "./requests.js";

const COUNT = 20; // events, as the button says
const INTERVAL = 500; // milliseconds

/**
 * A button that publishes some events, so that a system without traffic has something to show. `target()` returns their
 * topic and type; `said` shows why one was refused. Calls `changed(publishing)`.
 */
export function exampleEvents(button, said, text, target, changed = () => {}) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = "";
    changed(true);

    try {
      for (let n = 1; n <= COUNT; n++) {
        await send("POST", "/v1/events", { ...target(), data: { n, text: text("stream.example.hello") } });
        await new Promise((resolve) => setTimeout(resolve, INTERVAL));
      }
    } catch (error) {
      said.textContent = text("stream.example.failed", { reason: reasonOf(error, text) });
    }

    changed(false);
    button.disabled = false;
  });
}
