// AI SDK's useChat with answers that belong to the server: reload in mid-answer, open a second tab, drop the network.
//   npm ci --ignore-scripts && npm run build, and serve this folder: ?server=http://localhost:5080&chat=first
import { useEffect } from "react";
import { createRoot } from "react-dom/client";
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";

const query = new URLSearchParams(location.search);
const api = `${query.get("server") ?? "http://localhost:5080"}/api/chat`;
const id = query.get("chat") ?? "first";
const body = { model: "demo", max_tokens: Number(query.get("tokens") ?? 400) };
const transport = new DefaultChatTransport({ api, body });

// The server keeps the answers; what was said in a chat, the page keeps.
const kept = JSON.parse(localStorage.getItem(id) ?? "[]");

function Chat() {
  const { messages, sendMessage, status, error } = useChat({ id, transport, messages: kept, resume: true });
  useEffect(() => localStorage.setItem(id, JSON.stringify(messages)), [messages]);

  const ask = (event) => {
    event.preventDefault();
    sendMessage({ text: new FormData(event.target).get("question") });
  };

  // useChat's own stop() only closes this page's connection. This ends the answer for all its readers.
  const stop = () => fetch(`${api}/${encodeURIComponent(id)}/stream`, { method: "DELETE" });

  return (
    <main data-status={status}>
      {messages.map((message) => (
        <p key={message.id} id={message.id} className={message.role}>
          {message.parts.map((part) => (part.type === "text" ? part.text : "")).join("")}
        </p>
      ))}
      <form onSubmit={ask}>
        <input name="question" placeholder="Ask something" required />
        <button>Ask</button>
        <button type="button" id="stop" onClick={stop}>
          Stop
        </button>
      </form>
      <output>{error?.message}</output>
    </main>
  );
}

createRoot(document.getElementById("chat")).render(<Chat />);
