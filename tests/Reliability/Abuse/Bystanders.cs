using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using AspireSse.Client;

namespace Reliability.Abuse;

/// <summary>The regular clients: readers and a publisher, each with its own user, and a record of every event between
/// them.</summary>
internal sealed class Bystanders : IAsyncDisposable
{
    private const int Readers = 40,
        Rate = 50;
    private static readonly TimeSpan NoWait = TimeSpan.FromMilliseconds(1);

    // Its own: the system may still hold events of the row before.
    private readonly string _topic = $"others.t{Guid.NewGuid():N}";
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http = new(
        new SocketsHttpHandler { PooledConnectionLifetime = Timeout.InfiniteTimeSpan }
    )
    {
        Timeout = TimeSpan.FromSeconds(30),
    };
    private readonly List<Task> _work = [];

    /// <summary>The events so far.</summary>
    public RegularEvents Events { get; private set; } = null!;

    /// <summary>Errors of regular clients that have ended, which none may before the row's end.</summary>
    public IReadOnlyList<string> Ended =>
        [.. _work.Where(t => t.IsCompleted).Select(t => t.Exception?.InnerException?.Message ?? "ended by the server")];

    public static async Task<Bystanders> StartAsync(AbuseTarget target, CancellationToken cancellationToken)
    {
        var all = new Bystanders();
        var connected = Enumerable
            .Range(0, Readers)
            .Select(reader =>
            {
                var there = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                all._work.Add(all.ReadAsync(reader, target.Next(), there));
                return Task.WhenAny(there.Task, all._work[^1]).Unwrap();
            })
            .ToList();
        await Task.WhenAll(connected).WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);
        all.Events = new RegularEvents(Readers, Stopwatch.GetTimestamp(), Stopwatch.Frequency / Rate);
        all._work.Add(all.PublishAsync(target));

        return all;
    }

    /// <summary>Waits until every event that was due in a time is answered and received, or the limit has
    /// passed.</summary>
    public async Task ArriveAsync(long from, long to, TimeSpan limit, CancellationToken cancellationToken)
    {
        for (
            var waited = Stopwatch.StartNew();
            waited.Elapsed < limit && !Events.Between(from, to).IsOver;
            await Task.Delay(100, cancellationToken)
        ) { }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task ReadAsync(int reader, Uri replica, TaskCompletionSource connected)
    {
        using var client = new SseClient();
        var token = SystemSettings.User($"reader-{Guid.NewGuid():N}", [_topic], []);
        var stream = client.Open(
            new SseRequest(new Uri(replica, $"/v1/events/stream?topic={_topic}"))
            {
                BearerToken = _ => ValueTask.FromResult<string?>(token),
            }
        );
        await foreach (var received in stream.WithCancellation(_stop.Token))
            if (received.Type == "connected")
                connected.TrySetResult();
            else if (received.Type == "n")
                Events.Receive(
                    reader,
                    int.Parse(received.Data, CultureInfo.InvariantCulture),
                    Stopwatch.GetTimestamp()
                );
    }

    /// <summary>Publishes by the clock, whatever the servers' speed: a late event keeps the time at which it was
    /// due.</summary>
    private async Task PublishAsync(AbuseTarget target)
    {
        var token = SystemSettings.User($"publisher-{Guid.NewGuid():N}", [], ["others.>"]);
        var under = new List<Task>();
        for (var number = 0; !_stop.IsCancellationRequested; number++)
        {
            // Rounded down, because a timer that is rounded up would add to every latency.
            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), Events.DueAt(number));
            if (wait > NoWait)
                await Task.Delay((int)wait.TotalMilliseconds, _stop.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            under.RemoveAll(t => t.IsCompletedSuccessfully);
            under.Add(PublishOneAsync(number, target.Next(), token));
        }

        await Task.WhenAll(under);
    }

    private async Task PublishOneAsync(int number, Uri replica, string token)
    {
        Events.Send(number, Stopwatch.GetTimestamp());
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replica, "/v1/events"))
        {
            Content = new StringContent(
                $$"""{"topic":"{{_topic}}","type":"n","data":{{number}}}""",
                Encoding.UTF8,
                "application/json"
            ),
            Headers = { Authorization = new("Bearer", token) },
        };
        try
        {
            using var response = await _http.SendAsync(request, _stop.Token);
            Events.Answer(
                number,
                isAcknowledged: response.StatusCode == HttpStatusCode.Accepted,
                Stopwatch.GetTimestamp()
            );
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            Events.Answer(number, isAcknowledged: false, Stopwatch.GetTimestamp());
        }
    }
}
