const answer = document.getElementById("answer");
const status = document.getElementById("status");

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const id = newId();
  const asked = await fetch(`/answers/${id}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: new FormData(event.target).get("text") }),
  });

  if (!asked.ok) return (status.textContent = `The question was refused (${asked.status}).`);

  location.hash = id; // a reload, or another browser, continues with this address
  read(id);
});

// crypto.randomUUID would exist only on https and on localhost.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

if (location.hash) read(location.hash.slice(1));

function read(id) {
  answer.textContent = "";
  status.textContent = "Answering…";
  const stream = new EventSource(`/answers/${id}`);
  stream.addEventListener("text", ({ data }) => (answer.textContent += JSON.parse(data)));
  stream.addEventListener("end", () => close(stream, "Done."));
  stream.addEventListener("error", ({ data }) => data && close(stream, `Ended: ${JSON.parse(data).reason}.`));
}

function close(stream, text) {
  stream.close();
  status.textContent = text;
}
