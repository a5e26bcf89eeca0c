using System.Text.Json;

namespace Integration.Seeds;

[Collection(SeedSystem.Collection)]
public sealed class OpenApiTests(SeedSystem seeds)
{
    [Fact]
    public async Task Every_stream_lists_its_events_with_their_schemas()
    {
        var document = await Requests.GetAsync(seeds.A, "/openapi/v1.json");
        var streams = document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject().Select(o => (Path: p.Name, Operation: o.Value)))
            .Where(o => o.Path.Contains("stream", StringComparison.Ordinal) && o.Path != "/v1/stream-tickets" || o.Path.StartsWith("/sse/", StringComparison.Ordinal) && !o.Path.EndsWith("/failure", StringComparison.Ordinal)).ToList();
        Assert.True(streams.Count > 20);
        Assert.All(streams, stream =>
        {
            Assert.True(stream.Operation.TryGetProperty("x-sse-events", out var events), stream.Path);
            Assert.All(events.EnumerateArray(), e => Assert.Equal(JsonValueKind.Object, e.GetProperty("data").ValueKind));
            Assert.True(stream.Operation.GetProperty("responses").GetProperty("200").GetProperty("content").TryGetProperty("text/event-stream", out _), stream.Path);
        });
    }

    [Fact]
    public async Task Every_parameter_of_a_path_is_described()
    {
        var document = await Requests.GetAsync(seeds.A, "/openapi/v1.json");
        foreach (var path in document.GetProperty("paths").EnumerateObject())
            foreach (var operation in path.Value.EnumerateObject())
                foreach (var name in path.Name.Split('{').Skip(1).Select(p => p[..p.IndexOf('}')]))
                    Assert.Contains(operation.Value.GetProperty("parameters").EnumerateArray(), p => p.Text("name") == name && p.Text("in") == "path");
    }
}
