using System.Text;
using Adopter.Footprint;

namespace Adopter.Showing;

/// <summary>Memory of the process, in which other tests would start applications of their own meanwhile.</summary>
[Collection(HostTests.Alone)]
public sealed class ShownMemoryTests : IAsyncLifetime
{
    private static readonly string Pad = new('x', 4_000);

    private SmallApp _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _app = await SmallApp.StartAsync(Map);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static void Map(WebApplication app)
    {
        app.MapGet(
                "/for/{visitor}",
                (string visitor) =>
                    TypedResults.EventStream(
                        ["news.all"],
                        show: record => new(visitor + Encoding.UTF8.GetString(record.Data.Span) + Pad)
                    )
            )
            .AllowAnonymous();
        app.MapGet(
                "/ending/{after}",
                (long after) =>
                    TypedResults.EventStream(
                        ["news.all"],
                        bounds: new() { Ends = ["end"], EndsAfter = new StreamPosition("other", after) }
                    )
            )
            .AllowAnonymous();
    }

    [Theory]
    [InlineData("for")]
    [InlineData("ending")]
    public async Task The_memory_of_an_event_does_not_grow_with_the_streams_that_show_it(string path)
    {
        const int Streams = 40,
            Events = 500;
        var open = await Task.WhenAll(
            Enumerable.Range(0, Streams).Select(i => SseReader.OpenAtAsync(_app.Server, $"/{path}/{i}"))
        );
        foreach (var stream in open)
            stream.Stall();

        var before = GC.GetTotalMemory(forceFullCollection: true);
        var events = Enumerable.Range(0, Events).Select(i => path == "for" ? i : (object)(i + Pad));
        await _app.Log.AppendAsync([.. events.Select(data => NewEvent.Of("news.all", "news", data))], Stop);
        foreach (var stream in open)
        {
            stream.ReadOn();
            await stream.WaitAsync(reader => reader.Frames[^1].Data?.Contains($"{Events - 1}x") == true);
        }

        // What the readers of this test keep is not the application's.
        var read = open.Sum(stream => stream.Events.Sum(e => (long)e.Data!.Length * sizeof(char)));
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before - read;
        // A frame of each event for each stream would be 80 MB.
        Assert.InRange(grown, long.MinValue, 30L * 1024 * 1024);

        foreach (var stream in open)
            await stream.DisposeAsync();
    }
}
