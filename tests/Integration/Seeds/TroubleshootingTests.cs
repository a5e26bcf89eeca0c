namespace Integration.Seeds;

/// <summary>Rows of docs/troubleshooting.md that no other test reproduces.</summary>
public sealed class TroubleshootingTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    /// <summary>Loggers whose warnings a busy machine causes, and readers do not.</summary>
    private static readonly string[] BusyMachine =
    [
        "Streaming.Feed",
        "Microsoft.AspNetCore.Server.Kestrel",
        "EventStore.",
        "Runs.ProcessLease",
    ];

    [Fact]
    public async Task A_plain_answer_never_has_the_type_of_a_stream()
    {
        foreach (
            var path in (string[])
                ["/sse/nothing", "/v1/orders/nothing/status/stream", "/v1/pets/recommendations/stream"]
        )
        {
            using var response = await SeedRequests.SendAsync(A, HttpMethod.Get, path);
            Assert.InRange((int)response.StatusCode, 400, 499);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        }
    }

    [Fact]
    public async Task Work_continues_without_the_request_that_started_it()
    {
        const string stream = "/v1/pets/recommendations/stream?userId=gone";
        string id;
        await using (var reader = await SseReader.OpenAtAsync(A, stream))
            id = reader.LastId!;
        await using var returning = await SseReader.OpenAsync(B, stream, id).ToEndAsync();
        Assert.Equal("complete", returning.Events.Last().Event);
    }

    [Fact]
    public async Task A_disconnected_reader_is_no_error_in_the_log()
    {
        await using var system = await World.Start(o => o.Set(SeedSystem.Quick));
        var server = system.Replicas[0];

        foreach (
            var path in (string[])
                [
                    "/sse/events",
                    "/events/stream",
                    "/sse/resilient/gone",
                    "/v1/pets/recommendations/stream?userId=gone",
                    "/items/stream",
                ]
        )
            await using (await SseReader.OpenAtAsync(server.Url, path)) { }

        await Eventually.HoldsAsync(
            async () =>
                (await SeedRequests.GetAsync(server.Url, "/v1/connections")).GetProperty("connections").GetArrayLength()
                == 0,
            "every connection is given up"
        );

        Assert.DoesNotContain("ended: ", server.Output);
        Assert.DoesNotContain("fail:", server.Output);
        Assert.DoesNotContain(
            server.Output.Split('\n'),
            line =>
                line.StartsWith("warn:", StringComparison.Ordinal)
                && !BusyMachine.Any(of => line.Contains(of, StringComparison.Ordinal))
        );
        Assert.DoesNotContain("Exception", server.Output);
    }
}
