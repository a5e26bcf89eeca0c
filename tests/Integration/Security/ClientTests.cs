using System.Diagnostics;
using AspireSse.Client;
using AspireSse.Client.Publishing;
using Harness;
using Integration.Seeds;

namespace Integration.Security;

/// <summary>Our clients with a server that requires authentication: by token, by ticket, and beyond the expiry of
/// either.</summary>
public sealed class ClientTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_dotnet_client_continues_after_its_token_or_ticket_has_expired(bool byTicket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var topic = $"orders.{Guid.NewGuid():N}";
        var asked = 0;
        async ValueTask<string?> CredentialAsync(CancellationToken _)
        {
            // The first token expires soon: the stream is notified, and the client fetches another one at the end.
            var life = TimeSpan.FromSeconds(asked++ == 0 ? 4 : 600);
            return byTicket ? await TicketAsync(topic, life) : Tokens.Of("ann", subscribe: ["orders.>"], life: life);
        }
        using var client = new SseClient();
        var uri = new Uri(shared.World.A, $"/v1/events/stream?topic={topic}");
        var stream = client.Open(
            byTicket
                ? new SseRequest(uri) { Ticket = CredentialAsync }
                : new SseRequest(uri) { BearerToken = CredentialAsync },
            new SseOptions { InitialDelay = TimeSpan.FromMilliseconds(50) }
        );
        await foreach (var e in stream.WithCancellation(limit.Token))
            if (e.Type == "unauthorized")
                await SecureSystem.PublishAsync(shared.World.A, new EventBody(topic, "n", 1));
            else if (e.Type == "n")
                break;
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task The_dotnet_client_publishes_with_a_token_and_says_why_it_may_not()
    {
        using var http = new HttpClient { BaseAddress = shared.World.A };
        var publisher = new EventPublisher(
            http,
            new PublisherOptions
            {
                BearerToken = _ => ValueTask.FromResult<string?>(Tokens.Of("ann", publish: ["orders.>"])),
            }
        );
        await publisher.PublishAsync(
            OutgoingEvent.Create("orders.1", "n", new { }),
            TestContext.Current.CancellationToken
        );
        var refused = await Assert.ThrowsAsync<PublishException>(() =>
            publisher.PublishAsync(
                OutgoingEvent.Create("secret.1", "n", new { }),
                TestContext.Current.CancellationToken
            )
        );
        Assert.Contains("secret.1", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("token")]
    [InlineData("ticket")]
    public async Task The_JavaScript_client_continues_after_its_token_or_ticket_has_expired(string by)
    {
        Assert.SkipUnless(
            Environment
                .GetEnvironmentVariable("PATH")!
                .Split(Path.PathSeparator)
                .Any(p => File.Exists(Path.Combine(p, "node"))),
            "node is not installed."
        );
        var topic = $"orders.{Guid.NewGuid():N}";
        var asked = 0;
        var folder = Directory.CreateTempSubdirectory("js-client-").FullName;
        try
        {
            File.Copy(
                Path.Combine(PythonTests.Root, "WebFrontend", "wwwroot", "lib", "sse.js"),
                Path.Combine(folder, "sse.mjs")
            );
            await File.WriteAllTextAsync(
                Path.Combine(folder, "run.mjs"),
                $$"""
                import { SseClient } from "./sse.mjs";
                import { createInterface } from "node:readline";
                const [url, by] = process.argv.slice(2);
                const credentials = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
                const credential = async () => {
                  console.log("credential?");
                  return (await credentials.next()).value;
                };
                const client = new SseClient(url, { [by]: credential });
                client.on("unauthorized", () => console.log("unauthorized"));
                client.on("n", ({ data }) => { console.log("n " + data); client.close(); process.stdin.destroy(); });
                client.onState((state) => {
                  if (state.state !== "closed" || state.reason === "closed") return;
                  console.log(JSON.stringify(state));
                  process.exit(1);
                });
                setTimeout(() => { console.log("too late"); process.exit(2); }, 60000).unref();
                """
            );
            using var node = Process.Start(
                new ProcessStartInfo(
                    "node",
                    [
                        Path.Combine(folder, "run.mjs"),
                        new Uri(shared.World.A, $"/v1/events/stream?topic={topic}").ToString(),
                        by,
                    ]
                )
                {
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                }
            )!;
            var lines = new List<string>();
            while (await node.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                lines.Add(line);
                // The first credential expires soon, counted from the connect that asks for it.
                if (line == "credential?")
                    await node.StandardInput.WriteLineAsync(
                        await CredentialAsync(TimeSpan.FromSeconds(asked++ == 0 ? 4 : 600))
                    );
                else if (line == "unauthorized")
                    await SecureSystem.PublishAsync(shared.World.A, new EventBody(topic, "n", 7));
            }
            await node.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal((0, "n 7"), (node.ExitCode, lines.LastOrDefault()));
            Assert.Equal(2, asked);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        async Task<string> CredentialAsync(TimeSpan life) =>
            by == "ticket" ? await TicketAsync(topic, life) : Tokens.Of("ann", subscribe: ["orders.>"], life: life);
    }

    [Fact]
    public async Task The_python_client_reads_with_a_token()
    {
        Assert.SkipUnless(PythonProgram.IsThere, "There is no python3 on this machine.");
        var topic = $"orders.{Guid.NewGuid():N}";
        await using var program = new PythonProgram(
            Path.Combine(PythonTests.Root, "clients", "python"),
            [
                "-c",
                $$"""
                from aspire_sse import SSEClient
                for event in SSEClient("{{new Uri(
                    shared.World.A,
                    $"/v1/events/stream?topic={topic}"
                )}}", headers={"Authorization": "Bearer {{Tokens.Of("ann", subscribe: ["orders.>"])}}"}):
                    print(event.event, flush=True)
                    if event.event == "n": break
                """,
            ]
        );
        await program.WaitForAsync(lines => lines.Contains("connected"));
        await SecureSystem.PublishAsync(shared.World.A, new EventBody(topic, "n", 1));
        await program.EndAsync();
    }

    private async Task<string> TicketAsync(string topic, TimeSpan life) =>
        (
            await SecureSystem.JsonAsync(
                shared.World.A,
                HttpMethod.Post,
                "/v1/stream-tickets",
                Tokens.Of("ann", subscribe: ["orders.>"]),
                new { topics = new[] { topic }, expiresIn = (int)life.TotalSeconds }
            )
        )
            .GetProperty("ticket")
            .GetString()!;
}
