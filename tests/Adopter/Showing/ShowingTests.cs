using System.Collections.Concurrent;
using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Adopter.Showing;

/// <summary>Functions that show events are the application's: whatever one does, it does to its own stream.</summary>
public sealed class ShowingTests : IAsyncLifetime
{
    private static readonly string Pad = new('x', 4_000);

    private readonly ManualResetEventSlim _open = new();
    private readonly ConcurrentBag<WeakReference> _visitors = [];
    private readonly AsyncLocal<Tenant?> _tenant = new();
    private readonly ConcurrentQueue<string> _shown = [];
    private SmallApp _app = null!;
    private int _waiting;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _app = await SmallApp.StartAsync(Map);

    public async ValueTask DisposeAsync()
    {
        _open.Set();
        await _app.DisposeAsync();
        _open.Dispose();
    }

    private void Map(WebApplication app)
    {
        app.Use(
            (context, next) =>
            {
                if (context.Request.Query["tenant"] is [{ } name])
                    _visitors.Add(new WeakReference(_tenant.Value = new Tenant(name)));
                return next(context);
            }
        );
        app.MapGet(
                "/tenant",
                () => TypedResults.EventStream(["news.all"], show: _ => new(_tenant.Value?.Name, "tenant"))
            )
            .AllowAnonymous();

        app.MapGet("/items", () => TypedResults.EventStream(Items())).AllowAnonymous();
        app.MapGet("/plain", () => TypedResults.EventStream("news.all")).AllowAnonymous();
        app.MapGet("/shown", () => TypedResults.EventStream(["news.all"], show: Text)).AllowAnonymous();
        app.MapGet("/large", () => TypedResults.EventStream(["news.all"], show: Large)).AllowAnonymous();
        app.MapGet("/blocked", () => TypedResults.EventStream(["news.all"], show: Blocked)).AllowAnonymous();
        app.MapPost("/blocked", () => TypedResults.EventStream(["news.all"], show: Text)).AllowAnonymous();
        app.MapGet("/cyclic", () => TypedResults.EventStream(["news.all"], show: Text, greeting: new(Cyclic())))
            .AllowAnonymous();
        app.MapGet("/fails", () => TypedResults.EventStream(["news.all"], show: Failing)).AllowAnonymous();
        app.MapGet("/for/{visitor}", ForVisitor).AllowAnonymous();
        app.MapGet(
                "/greeted",
                () => TypedResults.EventStream(["news.all"], show: Text, greeting: new(new { Hello = "you" }, "hello"))
            )
            .AllowAnonymous();
    }

    private static Dictionary<string, object> Cyclic()
    {
        var cyclic = new Dictionary<string, object>();
        cyclic["itself"] = cyclic;
        return cyclic;
    }

    private static async IAsyncEnumerable<SseItem<int>> Items()
    {
        yield return new(1);
        await Task.Yield();
        yield return new(2);
    }

    private static SseItem<object?>? Text(EventRecord record) => new(Encoding.UTF8.GetString(record.Data.Span), "text");

    private static SseItem<object?>? Large(EventRecord record) => new(Text(record)!.Value.Data + Pad, "text");

    private SseItem<object?>? Blocked(EventRecord record)
    {
        Interlocked.Increment(ref _waiting);
        _open.Wait();
        return Text(record);
    }

    private SseItem<object?>? Failing(EventRecord record)
    {
        _shown.Enqueue(record.Type);
        return record.Type switch
        {
            "bad" => throw new InvalidOperationException("It cannot be shown."),
            "unseen" => null,
            "empty" => new(null, "text"),
            "torn" => new("text", "a\nb"),
            _ => Text(record),
        };
    }

    private EventStreamResult ForVisitor(string visitor)
    {
        var state = new Visitor(visitor, new byte[1024]);
        _visitors.Add(new WeakReference(state));
        return TypedResults.EventStream(["news.all"], show: record => new(state.Name + Text(record)!.Value.Data + Pad));
    }

    private sealed record Visitor(string Name, byte[] State);

    private async Task PublishAsync(int from, int count, string type = "news")
    {
        var events = Enumerable.Range(from, count).Select(i => NewEvent.Of("news.all", type, i));
        await _app.Log.AppendAsync([.. events], Stop);
    }

    /// <summary>An <c>EventSource</c> would reconnect for ever after a 200 whose body breaks.</summary>
    [Fact]
    public async Task A_greeting_that_is_no_JSON_answers_500_before_the_head_and_keeps_no_place()
    {
        using var answer = await _app.Client.GetAsync("/cyclic", HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Empty(await _app.OpenStreamsAsync());
    }

    [Fact]
    public async Task A_function_that_waits_delays_its_own_stream_alone()
    {
        // More than cores, and than threads of a pool.
        var blocked = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(_ => SseReader.OpenAtAsync(_app.Server, "/blocked"))
        );
        await using var plain = await SseReader.OpenAtAsync(_app.Server, "/plain");
        await using var shown = await SseReader.OpenAtAsync(_app.Server, "/shown");

        await PublishAsync(0, 10);
        await Eventually.HoldsAsync(() => Volatile.Read(ref _waiting) == blocked.Length, "all functions wait");
        await PublishAsync(10, 10);

        await using var late = await SseReader.OpenAtAsync(_app.Server, "/shown?from=earliest");
        foreach (var other in (SseReader[])[plain, shown, late])
        {
            await other.WaitForEventsAsync(20);
            Assert.Equal(Enumerable.Range(0, 20), other.Numbers);
        }

        Assert.Equal(blocked.Length, Volatile.Read(ref _waiting));
        Assert.All(blocked, stream => Assert.Empty(stream.Events));
        _open.Set();
        foreach (var stream in blocked)
        {
            await stream.WaitForEventsAsync(20);
            Assert.Equal(Enumerable.Range(0, 20), stream.Numbers);
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_function_that_hangs_for_all_its_clients_leaves_other_functions_alone()
    {
        // More than the threads of one function.
        var hung = await Task.WhenAll(
            Enumerable.Range(0, 300).Select(_ => SseReader.OpenAtAsync(_app.Server, "/blocked"))
        );
        await PublishAsync(0, 10);
        await Eventually.HoldsAsync(() => Volatile.Read(ref _waiting) == 256, "no more of them run");

        await using var shown = await SseReader.OpenAtAsync(_app.Server, "/shown?from=earliest");
        await using var posted = await SseReader.OpenAsync(
            _app.Server,
            "/blocked?from=earliest",
            method: HttpMethod.Post
        );
        foreach (var stream in (SseReader[])[shown, posted])
        {
            await stream.WaitForEventsAsync(10);
            Assert.Equal(Enumerable.Range(0, 10), stream.Numbers);
        }

        _open.Set();
        foreach (var stream in hung)
            await stream.DisposeAsync();
    }

    [Fact]
    public async Task A_function_runs_with_what_flows_with_its_own_request()
    {
        string[] names = ["alice", "bob", "carol"];
        foreach (var name in names)
        {
            await PublishAsync(0, 1);
            await using var stream = await SseReader.OpenAtAsync(_app.Server, $"/tenant?from=earliest&tenant={name}");
            await stream.WaitForEventsAsync(1);
            await PublishAsync(1, 1);
            await stream.WaitForEventsAsync(2);

            Assert.All(stream.Events, shown => Assert.Equal(name, shown.Data));
        }
    }

    [Theory]
    [InlineData("/tenant")]
    [InlineData("/plain")]
    [InlineData("/items")]
    public async Task Nothing_that_flows_with_a_request_outlives_its_stream(string path)
    {
        await OpenAsTenantAsync(path);

        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                return !Assert.Single(_visitors).IsAlive;
            },
            "nothing keeps what flowed with the request"
        );
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task OpenAsTenantAsync(string path)
    {
        await using var stream = await SseReader.OpenAsync(_app.Server, $"{path}?tenant=t");
        await PublishAsync(0, 1);
        await stream.WaitAsync(reader => reader.Frames.Count > 0);
    }

    [Fact]
    public async Task An_operator_closes_a_stream_whose_function_waits()
    {
        await using var blocked = await SseReader.OpenAtAsync(_app.Server, "/blocked");
        await PublishAsync(0, 1);
        await Eventually.HoldsAsync(() => Volatile.Read(ref _waiting) == 1);

        Assert.True(await _app.Connections.CloseAsync(Assert.Single(await _app.OpenStreamsAsync()).Id, Stop));
        await blocked.WaitForEndAsync();
        await Eventually.HoldsAsync(async () => await _app.OpenStreamsAsync() is []);
    }

    [Fact]
    public async Task A_function_and_its_frames_live_no_longer_than_their_stream()
    {
        const int Streams = 50;
        await OpenAndCloseAsync(Streams);

        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                return _visitors.Count == Streams && _visitors.All(visitor => !visitor.IsAlive);
            },
            "nothing keeps what the functions captured"
        );
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task OpenAndCloseAsync(int streams)
    {
        var open = await Task.WhenAll(
            Enumerable.Range(0, streams).Select(i => SseReader.OpenAtAsync(_app.Server, $"/for/{i}"))
        );
        await PublishAsync(0, 20);

        foreach (var stream in open)
        {
            await stream.WaitForEventsAsync(20);
            await stream.DisposeAsync();
        }

        await Eventually.HoldsAsync(async () => (await _app.OpenStreamsAsync()).Length == 0);
    }

    [Fact]
    public async Task An_event_that_a_function_fails_to_show_costs_its_content_and_not_its_place()
    {
        await using var stream = await SseReader.OpenAtAsync(_app.Server, "/fails");
        var types = (string[])["good", "bad", "bad", "unseen", "empty", "torn", "good"];
        var places = await _app.Log.AppendAsync([.. types.Select((type, i) => NewEvent.Of("news.all", type, i))], Stop);

        await stream.WaitForEventsAsync(2);
        var frames = stream.Frames.Where(f => f.Id is not null).ToList();
        Assert.Equal(["connected", "text", .. Enumerable.Repeat("position", 5), "text"], frames.Select(f => f.Event));
        Assert.All(frames, f => Assert.NotNull(f.Data));
        Assert.Equal(places.Select(place => place.At.ToString()), frames.Skip(1).Select(f => f.Id));
        Assert.Equal(types, _shown);

        // Once, for all its events and streams.
        await using var other = await SseReader.OpenAtAsync(_app.Server, "/fails?from=earliest");
        await other.WaitForEventsAsync(2);
        Assert.Contains("/fails", Assert.Single(_app.Lines, line => line.Error is InvalidOperationException).Text);
    }

    /// <summary>A logger is the application's too: its failure is none of the threads that show events.</summary>
    [Fact]
    public async Task A_failure_that_cannot_be_logged_costs_no_more_than_one_that_is()
    {
        await using var app = await SmallApp.StartAsync(
            Map,
            builder => builder.Logging.AddProvider(new FullDisk(LogLevel.Error))
        );
        await using var stream = await SseReader.OpenAtAsync(app.Server, "/fails");
        await app.Log.AppendAsync("news.all", "bad", 0, cancellationToken: Stop);
        await app.Log.AppendAsync("news.all", "good", 1, cancellationToken: Stop);

        await stream.WaitForEventsAsync(1);
        Assert.Equal(
            ["connected", "position", "text"],
            stream.Frames.Where(f => f.Id is not null).Select(f => f.Event)
        );
    }

    [Theory]
    [InlineData("/shown", "connected")]
    [InlineData("/greeted", "hello")]
    public async Task What_comes_between_two_connections_is_not_lost_though_none_had_an_event(string path, string first)
    {
        string greeted;
        await using (var before = await SseReader.OpenAtAsync(_app.Server, path))
        {
            var greeting = Assert.Single(before.Frames, f => f.Data is not null);
            Assert.Equal(first, greeting.Event);
            greeted = greeting.Id!;
        }

        await PublishAsync(0, 3);
        await using var after = await SseReader.OpenAtAsync(_app.Server, path, greeted);
        await after.WaitAsync(reader => reader.Frames.Count(f => f.Event == "text") == 3);
    }

    [Fact]
    public async Task A_stalled_stream_gets_all_that_is_shown_in_order()
    {
        const int Events = 3_000;
        await using var stalled = await SseReader.OpenAtAsync(_app.Server, "/large");
        stalled.Stall();
        for (var sent = 0; sent < Events; sent += 500)
            await PublishAsync(sent, 500);

        stalled.ReadOn();
        await using var late = await SseReader.OpenAtAsync(_app.Server, "/large?from=earliest");
        foreach (var stream in (SseReader[])[stalled, late])
        {
            await stream.WaitForEventsAsync(Events);
            Assert.Equal(
                Enumerable.Range(0, Events).Select(i => $"{i}"),
                stream.Events.Select(e => e.Data!.TrimEnd('x'))
            );
        }
    }

    private sealed record Tenant(string Name);
}
