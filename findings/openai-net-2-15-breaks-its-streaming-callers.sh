#!/usr/bin/env bash
# NuGet OpenAI 2.15.0: `ResponsesClient.CreateResponseStreamingAsync` returns a task of a stream, where 2.14.0 returns
# the stream. So a package that was built with 2.14.0, as Microsoft.Extensions.AI.OpenAI 10.11.0, which asks for "2.14.0
# or newer", throws MissingMethodException at the first streamed response once an application takes 2.15.0.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'kill "$server" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"

cat >server.mjs <<'JS'
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";

const response = { id: "resp_1", object: "response", created_at: 1, model: "m", status: "in_progress", output: [] };
const events = [
  { type: "response.created", response },
  { type: "response.output_text.delta", item_id: "msg_1", output_index: 0, content_index: 0, delta: "whole" },
  { type: "response.completed", response: { ...response, status: "completed" } },
];
const server = createServer((request, answer) => {
  request.resume();
  answer.writeHead(200, { "content-type": "text/event-stream" });
  events.forEach((event, at) =>
    answer.write(`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: at })}\n\n`),
  );
  answer.end();
}).listen(0, "127.0.0.1", () => writeFileSync("port", `${server.address().port}`));
JS
node server.mjs &
server=$!
until [ -s port ]; do sleep 0.1; done

cat >run.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <NoWarn>$(NoWarn);OPENAI001</NoWarn>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Microsoft.Extensions.AI.OpenAI" Version="10.11.0" />
    <PackageReference Include="OpenAI" Version="$(OpenAiVersion)" />
  </ItemGroup>
</Project>
XML
cat >Program.cs <<'CS'
using System.ClientModel;
using Microsoft.Extensions.AI;
using OpenAI.Responses;

var options = new ResponsesClientOptions { Endpoint = new Uri($"http://127.0.0.1:{args[0]}/v1") };
var client = new ResponsesClient(new ApiKeyCredential("k"), options).AsIChatClient("m");
try
{
    var text = "";
    await foreach (var update in client.GetStreamingResponseAsync("x"))
        text += update.Text;
    Console.WriteLine($"OpenAI {args[1]}: \"{text}\"");
}
catch (Exception e)
{
    Console.WriteLine($"OpenAI {args[1]}: {e.GetType().Name}");
}
CS

for version in 2.14.0 2.15.0; do
  dotnet run -p:OpenAiVersion="$version" -- "$(cat port)" "$version"
done 2>&1 | tee seen
diff - seen <<'SEEN'
OpenAI 2.14.0: "whole"
OpenAI 2.15.0: MissingMethodException
SEEN
