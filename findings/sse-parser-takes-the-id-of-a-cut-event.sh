#!/usr/bin/env bash
# NuGet System.Net.ServerSentEvents 11.0.0 on .NET 10: `SseParser.LastEventId` takes over the id of an event that was
# cut before its blank line, though the event itself is dropped: who resumes by it loses that event. The items' own
# `EventId` does not. And an event type without data is kept for the next event, where the standard resets it (HTML
# Living Standard 9.2.6).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >run.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="System.Net.ServerSentEvents" Version="11.0.0" />
  </ItemGroup>
</Project>
XML
cat >Program.cs <<'CS'
using System.Net.ServerSentEvents;
using System.Text;

Show("id first, cut", "id: 7\ndata: a\n\nid: 8\ndata: b\n");
Show("id last, cut", "data: a\nid: 7\n\ndata: b\n");
Show("a type without data", "event: position\nid: 7\n\ndata: a\n\n");

static void Show(string name, string body)
{
    var parser = SseParser.Create(new MemoryStream(Encoding.UTF8.GetBytes(body)));
    var items = parser.Enumerate().Select(item => $"{item.EventType} {item.Data}").ToList();
    Console.WriteLine($"{name}: [{string.Join(", ", items)}], LastEventId {parser.LastEventId}");
}
CS

dotnet run 2>&1 | tee seen
diff - seen <<'SEEN'
id first, cut: [message a], LastEventId 8
id last, cut: [message a], LastEventId 7
a type without data: [position a], LastEventId 7
SEEN
