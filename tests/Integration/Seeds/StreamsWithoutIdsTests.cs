using System.Net.Http.Json;

namespace Integration.Seeds;

/// <summary>Streams that a drop ends, or that begin with the whole state: they have nothing to resume.</summary>
public sealed class StreamsWithoutIdsTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    [Theory]
    [InlineData("/sse/chat")]
    [InlineData("/sse/backpressure-chat")]
    [InlineData("/chat/stream")]
    public async Task A_stream_of_one_request_has_no_ids_and_a_proper_end(string path)
    {
        using var body = JsonContent.Create(
            new
            {
                text = "one two",
                messages = new[] { new { role = "user", content = "hi" } },
                max_tokens = 3,
            }
        );
        await using var reader = await SseReader.OpenAsync(A, path, method: HttpMethod.Post, body: body).ToEndAsync();
        Assert.Equal("[DONE]", reader.Events.Last().Data);
        Assert.All(reader.Frames, f => Assert.Null(f.Id));
    }

    [Fact]
    public async Task The_stream_of_connections_has_no_ids_and_each_connect_starts_with_a_snapshot()
    {
        for (var connect = 0; connect < 2; connect++)
        {
            await using var reader = await SseReader
                .OpenAsync(A, "/v1/connections/stream", lastId: "another-7")
                .ToEventsAsync(1);
            Assert.Equal("snapshot", reader.Events.First().Event);
            Assert.All(reader.Frames, f => Assert.Null(f.Id));
        }
    }
}
