const status = document.getElementById("status");
const post = (path, body) =>
  fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

// A link with a ticket shows one order to somebody who has not signed in.
const shared = new URLSearchParams(location.search);
if (shared.has("ticket")) follow(shared.get("order"), shared.get("ticket"));

document.getElementById("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(event.target));
  const answer = await post(event.submitter.value, { email, password });

  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    status.textContent =
      Object.values(problem.errors ?? {}).flat()[0] ??
      (answer.status === 401 ? "E-mail or password is wrong." : `The shop does not answer (${answer.status}).`);
  } else if (event.submitter.value === "/register") {
    status.textContent = "Registered. Now sign in.";
  } else {
    status.textContent = `Signed in as ${email}.`;
    event.target.hidden = true;
    document.getElementById("order").hidden = false;
  }
});

document.getElementById("order").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await post("/orders", { article: new FormData(event.target).get("article") });
  if (!answer.ok) status.textContent = `The order was refused (${answer.status}).`;
  else follow((await answer.json()).id);
});

/** Shows an order's state as it changes. The browser resumes the stream by itself. */
function follow(id, ticket) {
  const row = document.getElementById("orders").appendChild(document.createElement("li"));
  const text = row.appendChild(document.createElement("span"));

  text.textContent = "Waiting…";
  const query = new URLSearchParams({ from: "earliest", ...(ticket && { ticket }) });
  const stream = new EventSource(`/orders/${id}/events?${query}`);
  stream.addEventListener("state", ({ data }) => {
    const { article, state } = JSON.parse(data);
    text.textContent = `${article}: ${state} `;
  });

  if (ticket) return;

  const share = row.appendChild(document.createElement("button"));
  share.textContent = "Share";

  share.addEventListener("click", async () => {
    const answer = await post("/stream-tickets", { topics: [`orders.${id}.>`] });
    if (!answer.ok) return (status.textContent = `The order cannot be shared (${answer.status}).`);

    const { ticket } = await answer.json();
    const link = document.createElement("a");

    link.href = `/?order=${id}&ticket=${encodeURIComponent(ticket)}`;
    link.textContent = "link to this order";
    share.replaceWith(link);
  });
}
