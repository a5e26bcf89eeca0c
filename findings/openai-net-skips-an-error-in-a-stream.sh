#!/usr/bin/env bash
# NuGet OpenAI 2.14.0 on .NET 10: an error that a server sends after it has begun to stream (`data: {"error":…}` with
# status 200, as a server must when it fails in the middle) is skipped by `CompleteChatStreamingAsync`: the answer just
# ends, without an exception and without a finish reason. npm openai 7.55.0 throws it. Whoever takes the end of the
# loop for the end of the answer shows half an answer as whole.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'kill "$server" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund openai@7.55.0

cat >server.js <<'JS'
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";

const chunk = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
const first = { ...chunk, choices: [{ index: 0, delta: { role: "assistant", content: "half" }, finish_reason: null }] };
const error = { error: { message: "The server had an error", type: "server_error", param: null, code: null } };
const server = createServer((request, answer) => {
  request.resume();
  answer.writeHead(200, { "content-type": "text/event-stream" });
  answer.end(`data: ${JSON.stringify(first)}\n\ndata: ${JSON.stringify(error)}\n\ndata: [DONE]\n\n`);
}).listen(0, "127.0.0.1", () => writeFileSync("port", `${server.address().port}`));
JS
node server.js &
server=$!
until [ -s port ]; do sleep 0.1; done

cat >client.js <<'JS'
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "k", baseURL: `http://127.0.0.1:${process.argv[2]}/v1`, maxRetries: 0 });
let text = "";
try {
  const messages = [{ role: "user", content: "x" }];
  const stream = await client.chat.completions.create({ model: "m", stream: true, messages });
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
  console.log(`npm: "${text}", then the end`);
} catch (error) {
  console.log(`npm: "${text}", then ${error.constructor.name}: ${error.message}`);
}
JS
cat >run.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="OpenAI" Version="2.14.0" />
  </ItemGroup>
</Project>
XML
cat >Program.cs <<'CS'
using System.ClientModel;
using OpenAI;
using OpenAI.Chat;

var options = new OpenAIClientOptions { Endpoint = new Uri($"http://127.0.0.1:{args[0]}/v1") };
var client = new ChatClient("m", new ApiKeyCredential("k"), options);
var (text, reason) = ("", "none");
try
{
    await foreach (var update in client.CompleteChatStreamingAsync("x"))
    {
        text += string.Concat(update.ContentUpdate.Select(part => part.Text));
        reason = update.FinishReason?.ToString() ?? reason;
    }

    Console.WriteLine($"NuGet: \"{text}\", then the end, finish reason {reason}");
}
catch (Exception e)
{
    Console.WriteLine($"NuGet: \"{text}\", then {e.GetType().Name}");
}
CS

{
  node client.js "$(cat port)"
  dotnet run -- "$(cat port)"
} 2>&1 | tee seen
diff - seen <<'SEEN'
npm: "half", then APIError: The server had an error
NuGet: "half", then the end, finish reason none
SEEN
