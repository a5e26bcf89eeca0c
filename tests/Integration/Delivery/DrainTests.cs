using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using AspireSse.Client;
using Harness;
using Measuring.Ledger;

namespace Integration.Delivery;

/// <summary>A deployment under load: the clients of a replica move to the other one.</summary>
[Trait("Takes", "long")]
public sealed class DrainTests
{
    private const int Streams = 60,
        Watched = 20;

    [Fact]
    public async Task All_streams_of_a_stopping_replica_move_to_another_and_lose_nothing()
    {
        await using var system = await World.Start();
        var leaving = (await system.StartReplicaAsync(asProcess: true)).Process;
        var staying = system.Replicas[0];
        using var client = new SseClient(
            new HttpClient(ToFirstThatListens(leaving.Url, staying.Url)) { Timeout = Timeout.InfiniteTimeSpan }
        );
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var ledger = new DeliveryLedger();
        var publisher = ledger.AddPublisher("publisher");

        var (connected, resynced) = (0, 0);
        var options = new SseClientOptions
        {
            OnConnected = (_, _) =>
            {
                Interlocked.Increment(ref connected);
                return ValueTask.CompletedTask;
            },
            OnResync = (_, _) =>
            {
                Interlocked.Increment(ref resynced);
                return ValueTask.CompletedTask;
            },
        };

        var reading = Enumerable
            .Range(0, Streams)
            .Select(n =>
                ReadAsync(
                    client,
                    new Uri(leaving.Url, "/v1/events/stream?topic=drain"),
                    options,
                    ledger.AddReader($"reader {n}"),
                    stop.Token
                )
            )
            .ToArray();
        await Eventually.HoldsAsync(() => connected >= Streams, "every client is connected");

        var watched = new List<SseReader>();
        for (var n = 0; n < Watched; n++)
            watched.Add(await SseReader.OpenAtAsync(leaving.Url, "/v1/events/stream?topic=drain"));

        await PublishAsync(staying, publisher, 20);
        leaving.Terminate();
        var watch = Stopwatch.StartNew();
        var publishing = PublishAsync(staying, publisher, 200);

        await leaving.WaitForExitAsync(TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"The replica with {Streams} streams exited {watch.Elapsed.TotalSeconds:F1} s after SIGTERM."
            )
        );
        Assert.Equal(0, leaving.ExitCode);

        foreach (var stream in watched)
        {
            await stream.WaitForEndAsync();
            Assert.True(stream.EndedProperly);
            Assert.NotNull(stream.Frames[^1].Retry);
            await stream.DisposeAsync();
        }

        Assert.True(
            watched.Select(stream => stream.Frames[^1].Retry).Distinct().Count() > Watched / 4,
            "every client was told the same time"
        );

        await publishing;
        await Eventually.HoldsAsync(() => connected >= 2 * Streams, "every client has come back");
        await PublishAsync(staying, publisher, 20);
        await Eventually.HoldsAsync(() => ledger.MissingNow == 0, "every client has everything that was acknowledged");

        await stop.CancelAsync();
        await Task.WhenAll(reading);
        var report = ledger.Report();

        Assert.True(report.Clean, report.ToString());
        Assert.Equal((240L, 240L * Streams, 0), (report.Acknowledged, report.Received, resynced));
    }

    [Fact]
    public async Task An_answer_that_a_stopping_server_cuts_short_says_so()
    {
        await using var system = await World.Start(o =>
            o.Set("AspireSse:Runs:DrainSeconds", 1).Set("AspireSse:Llm:Providers:Demo:TokensPerSecond", 20)
        );
        using var body = JsonContent.Create(
            new { messages = new[] { new { role = "user", content = "x" } }, max_tokens = 4_000 }
        );

        await using var chat = await SseReader.OpenAsync(
            system.Replicas[0].Url,
            "/sse/chat",
            method: HttpMethod.Post,
            body: body
        );
        await chat.WaitForEventsAsync(3);

        var stopping = system.Replicas[0].StopAsync(TestContext.Current.CancellationToken);
        await chat.WaitForEndAsync();
        await stopping;
        Assert.True(chat.EndedProperly);

        var last = chat.Events.Last();
        Assert.Equal("error", last.Event);
        var error = JsonDocument.Parse(last.Data!).RootElement;

        Assert.True(error.GetProperty("fatal").GetBoolean());
        Assert.Equal("interrupted", error.GetProperty("reason").GetString());
    }

    private static async Task ReadAsync(
        SseClient client,
        Uri uri,
        SseClientOptions options,
        LedgerReader reader,
        CancellationToken stop
    )
    {
        try
        {
            await foreach (var received in client.Open(new SseRequest(uri), options).WithCancellation(stop))
                reader.Receive(received.Utf8Data.Span, received.Id);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested) { }
    }

    private static async Task PublishAsync(RunningService replica, LedgerPublisher publisher, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var sequence = publisher.Next();
            var data = JsonDocument.Parse(Stamp.Json(publisher.Number, sequence)).RootElement;
            var positions = await World.PublishAsync(replica, new EventBody("drain", "n", data));
            publisher.Acknowledge(sequence, positions[0]);
        }
    }

    /// <summary>Routes like a load balancer: a replica that refuses connections gets none.</summary>
    private static SocketsHttpHandler ToFirstThatListens(params Uri[] replicas)
    {
        var handler = SseClient.CreateHandler();
        handler.ConnectCallback = async (_, cancellationToken) =>
        {
            foreach (var replica in replicas)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(replica.Host, replica.Port, cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch (SocketException)
                {
                    socket.Dispose();
                }
            }
            throw new HttpRequestException("No replica listens.");
        };

        return handler;
    }
}
