using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Harness;
using Harness.Worlds;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using StreamApi.Connections;
using StreamApi.Replicas;
using StreamApi.Security;
using Streaming.Connections;
using Unit.ServiceDefaults;

namespace Unit.Connections;

public sealed class ConnectionsApiTests
{
    private const string Key = "operator-key";

    [Theory]
    [InlineData("/v1/connections")]
    [InlineData("/v1/connections?scope=replica")]
    public async Task A_page_of_connections_waits_for_its_turn(string path)
    {
        await using var service = await StartAsync();
        var gate = service.Services.GetRequiredService<ListingTurns>().Gate;
        var turn = await gate.EnterAsync("another client", Timeout.InfiniteTimeSpan);

        var page = service.Outside.GetAsync(path, TestContext.Current.CancellationToken);
        await Eventually.HoldsAsync(() => page.IsCompleted || gate.Waiting > 0);
        Assert.False(page.IsCompleted);

        turn.Dispose();
        Assert.Equal(HttpStatusCode.OK, (await page).StatusCode);
    }

    [Fact]
    public async Task The_rows_of_a_long_watched_listing_wait_for_their_turn()
    {
        await using var service = await StartAsync();
        var gate = service.Services.GetRequiredService<ListingTurns>().Gate;
        var turn = await gate.EnterAsync("another client", Timeout.InfiniteTimeSpan);
        var open = service.Services.GetRequiredService<ConnectionRegistry>();

        for (var n = 0; n < 100; n++)
            open.Add(new OtherStream());

        // With the stream that watches there are 101.
        var snapshot = SnapshotAsync(service);
        await Eventually.HoldsAsync(() => snapshot.IsCompleted || gate.Waiting > 0);
        Assert.False(snapshot.IsCompleted);

        turn.Dispose();
        await snapshot;
    }

    [Fact(Timeout = 60_000)]
    public async Task A_short_watched_listing_needs_no_turn()
    {
        await using var service = await StartAsync();
        var gate = service.Services.GetRequiredService<ListingTurns>().Gate;
        using (await gate.EnterAsync("another client", Timeout.InfiniteTimeSpan))
            await SnapshotAsync(service);
    }

    [Fact]
    public async Task The_rows_of_a_replica_are_made_in_slices_with_pauses()
    {
        await using var service = await StartAsync();
        var open = service.Services.GetRequiredService<ConnectionRegistry>();
        var streams = Enumerable.Range(0, 401).Select(_ => new OtherStream()).ToList();
        streams.ForEach(open.Add);
        var time = new ManualTime();
        var list = new ConnectionList(open, totals: null!, Options.Create(new SseOptions()), time);
        var made = new List<string>();
        var making = MakeAsync();

        foreach (var rows in (int[])[200, 400])
        {
            await time.WaitForDelayAsync();
            Assert.Equal(rows, made.Count);
            await time.PassDelayAsync();
        }

        await making;
        Assert.Equal(streams.Select(stream => stream.Id).Order(), made.Order());

        async Task MakeAsync()
        {
            await foreach (var row in list.ReadAsync())
                made.Add(row.Id);
        }
    }

    [Fact]
    public async Task Only_the_twenty_slowest_streams_have_a_metric_of_their_own()
    {
        await using var service = await StartAsync();
        var open = service.Services.GetRequiredService<ConnectionRegistry>();
        open.Add(new OtherStream()); // has delivered nothing yet

        var p99 = new List<double>();
        for (var bucket = 0; bucket < 25; bucket++)
        {
            var stream = new OtherStream();
            stream.Latency.Add(bucket);
            open.Add(stream);
            p99.Add(stream.Latency.Quantiles()!.P99);
        }

        var meters = service.Services.GetRequiredService<IMeterFactory>();
        var measured = new List<double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Scope == meters && instrument.Name == "sse.server.slowest_connections")
                    listener.EnableMeasurementEvents(instrument);
            },
        };

        listener.SetMeasurementEventCallback<double>((_, value, _, _) => measured.Add(value));
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(p99.OrderDescending().Take(20), measured);
    }

    /// <summary>Watches the open streams until their first listing.</summary>
    private static async Task SnapshotAsync(Service service)
    {
        const string Path = "/v1/connections/stream";
        await using var reader = await SseReader.OpenAsync(new(service.Url), Path, client: service.Outside);
        await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "snapshot"));
    }

    private sealed class OtherStream : OpenStream
    {
        [SetsRequiredMembers]
        public OtherStream()
            : base(Guid.NewGuid().ToString("N"), new("", null, "", "")) =>
            Deadlines = new(ExpiryTimes.Endless, begunAt: 0, long.MaxValue, heartbeatSeconds: 15);

        public override IReadOnlyList<string> Topics => [];
        public override string State => "live";
        public override long Lag => 0;

        public override void RequestEnd(EndReason reason) => MarkEnded(reason);
    }

    /// <summary>Starts a replica without stores, which lists its own streams.</summary>
    private static async Task<Service> StartAsync()
    {
        var service = await Service.StartAsync(
            builder =>
            {
                builder.AddEventStore();
                builder.AddSecurity();
                builder.AddStreaming("streamapi-1");
                builder.AddConnections();
                builder.AddReplicas();
            },
            app =>
            {
                app.UseSecurity();
                app.MapConnections();
            },
            (
                "ConnectionStrings:eventstore",
                $"Host=127.0.0.1;Port={FreePort.Take()};Username=postgres;Database=eventstore"
            ),
            ("ConnectionStrings:redis", $"127.0.0.1:{FreePort.Take()}"),
            ("Security:ApiKeys:0:Name", "operator"),
            ("Security:ApiKeys:0:Sha256", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Key)))),
            ("Security:ApiKeys:0:Subscribe:0", "$sys.>")
        );

        service.Outside.DefaultRequestHeaders.Add("X-Api-Key", Key);
        return service;
    }
}
