using System.IO.Pipelines;
using System.Threading.Channels;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Streaming.Admission;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Metrics;
using Streaming.Replay;

namespace Integration.Delivery;

/// <summary>Memory that pages of replays take, read from a real store.</summary>
public sealed class ReplayMemoryTests
{
    private const int Events = 200,
        EventBytes = 20_000,
        PageBytes = 1_100_000,
        Most = 512 * 1024;

    private static readonly StreamFilter Filter = new(["t.>"], [], [], NamedFormat.Always);

    [Fact]
    public async Task However_many_readers_wait_for_room_one_page_is_read_for_the_room_of_one()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var host = await StartAsync();
        var replay = host.Services.GetRequiredService<StoreReplay>();
        var reader = host.Services.GetRequiredKeyedService<EventReader>(StorePool.Reads);

        var pages = Channel.CreateUnbounded<(ReplayPage? Page, long Held)>();
        const int Waiters = 12;
        for (var i = 0; i < Waiters; i++)
            replay.Read(
                new ReplayWaiter(
                    new ReplayRange(Filter, i, Newest: false, IsSmall: false, Through: null),
                    (_, page) => pages.Writer.TryWrite((page, replay.Pages.Held)),
                    Client: $"{i}"
                ),
                "e"
            );

        for (var i = 0; i < Waiters; i++)
        {
            var (page, held) = await pages.Reader.ReadAsync(cancellationToken);
            Assert.NotNull(page);
            Assert.InRange(held, Most, PageBytes);

            // As long as the next page would take, and longer: it is not read while this one is held.
            for (var read = 0; read < 3; read++)
                await reader.ReadAsync(i, Filter.Events, cancellationToken: cancellationToken);

            replay.Pages.Release(page);
        }

        Assert.Equal(0, replay.Pages.Held);
    }

    /// <summary>A page of 1 MB has some fifty of the events, and the smallest one.</summary>
    [Theory]
    [InlineData(false, 50, 55)]
    [InlineData(true, 1, 1)]
    public async Task A_page_is_bounded_by_bytes_and_small_for_a_reader_that_has_stalled(
        bool hasStalled,
        int least,
        int most
    )
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var host = await StartAsync();
        var rings = host.Services.GetRequiredService<FilterRingRegistry>();
        var pending = new PendingWriteBudget(Most, _ => { });
        var answers = Channel.CreateUnbounded<ReplayPage?>();

        var pages = new CatchUpPages(
            host.Services.GetRequiredService<StoreReplay>(),
            pending,
            (_, _, page) => answers.Writer.TryWrite(page)
        );

        var connection = new StreamConnection(
            "id",
            rings.Acquire(Filter),
            rings,
            new PipeOutput(new Pipe().Writer, chunked: false, pending),
            new StreamClient("", null, "", ""),
            new StreamPosition("e", 0)
        )
        {
            Deadlines = new(ExpiryTimes.Endless, begunAt: 0, long.MaxValue, heartbeatSeconds: 15),
        };
        connection.BeginCatchUp().HasStalled = hasStalled;

        pages.Ask(connection);
        var page = await answers.Reader.ReadAsync(cancellationToken);
        Assert.NotNull(page);
        Assert.InRange(page.Frames.Count, least, most);
    }

    private static async Task<IHost> StartAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var database = await Stores.Shared.CreateDatabaseAsync(cancellationToken);
        var builder = StoreOnlyHost.Of(database.ConnectionString, ("AspireSse:EventStore:MaxBatchBytes", "16777216"));

        builder.Services.Configure<SseOptions>(streaming =>
        {
            streaming.ReplayBytes = Most;
            streaming.ReplayReaders = 1;
            streaming.ReplaySharedSeconds = 0;
        });
        builder.Services.AddSingleton<Gates>().AddSingleton<FilterRingRegistry>().AddSingleton<StreamingMetrics>();
        builder.Services.AddSingleton<StorePages>().AddSingleton<StoreReplay>();

        var host = builder.Build();
        await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(cancellationToken);
        await host.StartAsync(cancellationToken);

        var data = $"\"{new string('x', EventBytes)}\"";
        await host
            .Services.GetRequiredService<EventAppender>()
            .AppendAsync(
                [.. Enumerable.Range(0, Events).Select(_ => new NewEvent("t.1", "n", data))],
                cancellationToken
            );

        return host;
    }
}
