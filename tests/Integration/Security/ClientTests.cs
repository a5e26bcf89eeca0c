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
        using var client = new SseClient();
        var uri = new Uri(shared.World.A, $"/v1/events/stream?topic={topic}");
        var stream = client.Open(
            byTicket ? new SseRequest(uri) { Ticket = NextAsync } : new SseRequest(uri) { BearerToken = NextAsync },
            new SseClientOptions { InitialDelay = TimeSpan.FromMilliseconds(50) }
        );
        await foreach (var received in stream.WithCancellation(limit.Token))
            if (received.Type == "unauthorized")
                await SecureSystem.PublishAsync(shared.World.A, new EventBody(topic, "n", 1));
            else if (received.Type == "n")
                break;

        Assert.Equal(2, asked);

        // The first one expires soon: the stream is notified, and the client fetches another one at the end.
        async ValueTask<string?> NextAsync(CancellationToken _)
        {
            var life = TimeSpan.FromSeconds(asked++ == 0 ? 4 : 600);
            return byTicket
                ? await shared.World.A.TicketAsync(
                    Tokens.Of("ann", subscribe: ["orders.>"]),
                    topic,
                    (int)life.TotalSeconds
                )
                : Tokens.Of("ann", subscribe: ["orders.>"], life: life);
        }
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
}
