using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Adopter.Showing;

namespace Adopter.Items;

/// <summary>Items of the application's own: their source may fail or ignore its token, and holds nothing up.</summary>
public sealed class ItemsTests : IAsyncLifetime
{
    private const int Places = 4;

    private readonly TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _open = new();
    private readonly ConcurrentQueue<string> _disposed = [];
    private SmallApp _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _app = await SmallApp.StartAsync(Map, settings: ["--Sse:MaxConnections", $"{Places}"]);

    public async ValueTask DisposeAsync()
    {
        _next.TrySetResult();
        _open.Set();
        await _app.DisposeAsync();
        _open.Dispose();
    }

    private void Map(WebApplication app)
    {
        app.MapGet(
                "/fails/{kind}",
                (string kind) =>
                    TypedResults.EventStream(
                        kind is "begin" or "first" or "id" or "dispose" ? new Faulty(kind) : FailAsync(kind)
                    )
            )
            .AllowAnonymous();
        app.MapGet("/waits", () => TypedResults.EventStream(WaitAsync())).AllowAnonymous();
        app.MapGet("/blocks", () => TypedResults.EventStream(BlockAsync())).AllowAnonymous();
        app.MapGet("/calls-back", () => TypedResults.EventStream(CallBackAsync())).AllowAnonymous();
        app.MapGet("/ends", () => TypedResults.EventStream(EndAsync())).AllowAnonymous();
        app.MapGet("/log", () => TypedResults.EventStream("news.all")).AllowAnonymous();
    }

    private static async IAsyncEnumerable<SseItem<string>> FailAsync(string kind)
    {
        yield return new("one");
        await Task.Yield();
        throw kind switch
        {
            "io" => new IOException("The file is gone."),
            "timeout" => new TimeoutException("The database does not answer."),
            "cancel" => new OperationCanceledException("Its own token."),
            _ => new InvalidOperationException("A bug."),
        };
    }

    /// <summary>Ignores its token.</summary>
    private async IAsyncEnumerable<SseItem<string>> WaitAsync()
    {
        try
        {
            yield return new("one");
            await _next.Task;
            yield return new("two");
        }
        finally
        {
            _disposed.Enqueue("waits");
        }
    }

    /// <summary>Keeps its thread.</summary>
    private async IAsyncEnumerable<SseItem<string>> BlockAsync()
    {
        try
        {
            yield return new("one");
            _open.Wait(CancellationToken.None);
            await Task.Yield();
            yield return new("two");
        }
        finally
        {
            _disposed.Enqueue("blocks");
        }
    }

    /// <summary>Blocks whoever cancels its token.</summary>
    private async IAsyncEnumerable<SseItem<string>> CallBackAsync(
        [EnumeratorCancellation] CancellationToken stop = default
    )
    {
        await using var registration = stop.Register(() => _open.Wait(CancellationToken.None));
        yield return new("one");
        await _next.Task;
    }

    private async IAsyncEnumerable<SseItem<string>> EndAsync([EnumeratorCancellation] CancellationToken stop = default)
    {
        try
        {
            yield return new("one");
            await Task.Delay(Timeout.Infinite, stop);
        }
        finally
        {
            // Some time to clean up.
            await Task.Yield();
            _disposed.Enqueue("ends");
        }
    }

    /// <summary>Fails before its first item, at its end, or as it is asked for its items.</summary>
    private sealed class Faulty(string kind) : IAsyncEnumerable<SseItem<string>>, IAsyncEnumerator<SseItem<string>>
    {
        private int _moves;

        public SseItem<string> Current => kind == "id" ? new("one") { EventId = "a\0b" } : new("one");

        public IAsyncEnumerator<SseItem<string>> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            kind == "begin" ? throw new TimeoutException("The pool is empty.") : this;

        public ValueTask<bool> MoveNextAsync() =>
            kind == "first" ? throw new IOException("The file is gone.") : ValueTask.FromResult(_moves++ == 0);

        public ValueTask DisposeAsync() =>
            kind == "dispose" ? throw new IOException("The file is gone.") : ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("io", 1)]
    [InlineData("timeout", 1)]
    [InlineData("cancel", 1)]
    [InlineData("bug", 1)]
    [InlineData("begin", 0)]
    [InlineData("first", 0)]
    [InlineData("id", 0)]
    [InlineData("dispose", 1)]
    public async Task A_source_that_fails_breaks_its_stream_off_and_is_logged(string kind, int items)
    {
        await using var stream = await SseReader.OpenAsync(_app.Server, $"/fails/{kind}").ToEndAsync();
        Assert.Equal(Enumerable.Repeat("one", items), stream.Events.Select(item => item.Data));
        Assert.False(stream.EndedProperly);
        await Eventually.HoldsAsync(() => _app.Lines.Any(line => line.Level == LogLevel.Error));
    }

    [Theory]
    [InlineData("/waits")]
    [InlineData("/blocks")]
    [InlineData("/calls-back")]
    public async Task A_source_that_ignores_its_token_holds_no_place(string path)
    {
        for (var round = 0; round < 2; round++)
        {
            for (var place = 0; place < Places; place++)
                await using (var stream = await SseReader.OpenAsync(_app.Server, path))
                    await stream.WaitForEventsAsync(1);

            await Eventually.HoldsAsync(async () => (await _app.OpenStreamsAsync()).Length == 0);
        }

        await using var other = await SseReader.OpenAtAsync(_app.Server, "/log");
        Assert.Empty(_disposed);
        _next.SetResult();
        _open.Set();
        if (path != "/calls-back")
            await Eventually.HoldsAsync(() => _disposed.Count == 2 * Places, "each enumerator is disposed of");
    }

    [Theory]
    [InlineData("/waits")]
    [InlineData("/blocks")]
    [InlineData("/calls-back")]
    public async Task A_source_that_ignores_its_token_is_closed_and_ends_with_the_application(string path)
    {
        await using var closed = await SseReader.OpenAsync(_app.Server, path);
        await closed.WaitForEventsAsync(1);
        Assert.True(await _app.Connections.CloseAsync(Assert.Single(await _app.OpenStreamsAsync()).Id, Stop));
        await closed.WaitForEndAsync();
        Assert.True(closed.EndedProperly);

        await using var drained = await SseReader.OpenAsync(_app.Server, path);
        await using var neighbour = await SseReader.OpenAtAsync(_app.Server, "/log");
        await drained.WaitForEventsAsync(1);

        // The host would wait for it, and then cut it off.
        await _app.StopAsync();
        foreach (var stream in (SseReader[])[drained, neighbour])
        {
            await stream.WaitForEndAsync();
            Assert.True(stream.EndedProperly);
        }

        Assert.Contains(_app.Lines, line => line.Text.Contains(path) && line.Text.Contains("cancellation token"));
    }

    [Fact]
    public async Task A_source_that_heeds_its_token_has_cleaned_up_when_its_request_ends()
    {
        await using (var stream = await SseReader.OpenAsync(_app.Server, "/ends"))
            await stream.WaitForEventsAsync(1);

        await Eventually.HoldsAsync(async () => (await _app.OpenStreamsAsync()).Length == 0);
        Assert.Equal("ends", Assert.Single(_disposed));
        Assert.DoesNotContain(_app.Lines, line => line.Text.Contains("cancellation token"));
    }
}
