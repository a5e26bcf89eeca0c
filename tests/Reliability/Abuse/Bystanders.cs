using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using AspireSse.Client;
using Measuring;

namespace Reliability.Abuse;

/// <summary>The regular clients: readers and a publisher, each with its own user. Measures the latency of events
/// between them.</summary>
internal sealed class Bystanders : IAsyncDisposable
{
    private const int Readers = 40,
        Rate = 50;
    private const string Topic = "others.all";

    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http = new(
        new SocketsHttpHandler { PooledConnectionLifetime = Timeout.InfiniteTimeSpan }
    )
    {
        Timeout = TimeSpan.FromSeconds(30),
    };
    private readonly List<Task> _work = [];
    private readonly LatencyHistogram _delivery = new();
    private long _published,
        _refused;

    /// <summary>Latency from publish to receive, so far.</summary>
    public LatencySnapshot Delivery => _delivery.Snapshot();

    /// <summary>Publishes that were not acknowledged.</summary>
    public long Refused => Interlocked.Read(ref _refused);
    public long Published => Interlocked.Read(ref _published);

    public static async Task<Bystanders> StartAsync(AbuseTarget target, CancellationToken cancellationToken)
    {
        var all = new Bystanders();
        var connected = Enumerable
            .Range(0, Readers)
            .Select(reader =>
            {
                var there = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                all._work.Add(
                    all.ReadAsync(target.Next(), SystemSettings.User($"reader-{Guid.NewGuid():N}", [Topic], []), there)
                );
                return there.Task;
            })
            .ToList();
        await Task.WhenAll(connected).WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);
        all._work.Add(all.PublishAsync(target));
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task ReadAsync(Uri replica, string token, TaskCompletionSource connected)
    {
        using var client = new SseClient();
        var stream = client.Open(
            new SseRequest(new Uri(replica, $"/v1/events/stream?topic={Topic}"))
            {
                BearerToken = _ => ValueTask.FromResult<string?>(token),
            }
        );
        await foreach (var e in stream.WithCancellation(_stop.Token))
        {
            if (e.Type == "connected")
                connected.TrySetResult();
            else if (e.Type == "n")
                _delivery.Record(Stopwatch.GetElapsedTime(long.Parse(e.Data, CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>Publishes at a rate that does not depend on the servers' speed.</summary>
    private async Task PublishAsync(AbuseTarget target)
    {
        var token = SystemSettings.User($"publisher-{Guid.NewGuid():N}", [], ["others.>"]);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / Rate));
        var under = new List<Task>();
        while (
            await timer
                .WaitForNextTickAsync(_stop.Token)
                .AsTask()
                .ContinueWith(t => t.IsCompletedSuccessfully && t.Result, TaskScheduler.Default)
        )
        {
            under.RemoveAll(t => t.IsCompleted);
            under.Add(PublishOneAsync(target.Next(), token));
        }
        await Task.WhenAll(under);
    }

    private async Task PublishOneAsync(Uri replica, string token)
    {
        Interlocked.Increment(ref _published);
        var at = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replica, "/v1/events"))
        {
            Content = new StringContent(
                string.Create(CultureInfo.InvariantCulture, $$"""{"topic":"{{Topic}}","type":"n","data":{{at}}}"""),
                Encoding.UTF8,
                "application/json"
            ),
            Headers = { Authorization = new("Bearer", token) },
        };
        try
        {
            using var response = await _http.SendAsync(request, _stop.Token);
            if (response.StatusCode != HttpStatusCode.Accepted)
                Interlocked.Increment(ref _refused);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            Interlocked.Increment(ref _refused);
        }
    }
}
