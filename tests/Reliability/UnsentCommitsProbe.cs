using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;
using AspireSse.Client;

namespace Reliability;

/// <summary>Commits events as a replica does that is killed before it sends their page: Postgres is told that they are
/// sent directly, and nobody sends them. A reader at each replica must get each once, in order, and soon.</summary>
internal sealed class UnsentCommitsProbe : IFaultProbe
{
    private const int Commits = 1_000;
    private const string Topic = "probe.unsent";

    /// <summary>The relay waits 30 ms for a direct page; the rest is its read and the way through Redis, which a busy
    /// machine makes longer.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _over = new();
    private readonly List<Reader> _readers = [];
    private readonly List<TimeSpan> _late = [];
    private int _number;

    public bool IsOk =>
        _number == Commits
        && _readers.TrueForAll(reader => reader.Numbers.SequenceEqual(Enumerable.Range(1, Commits)))
        && Percentile(1) <= Limit;

    public string Remark =>
        $"{_number} commits, of which the replicas have {string.Join(" and ", _readers.Select(r => r.Numbers.Count))}, "
        + $"late by {Percentile(0.5).TotalMilliseconds:F0} ms (p50), {Percentile(0.99).TotalMilliseconds:F0} ms (p99) "
        + $"and {Percentile(1).TotalMilliseconds:F0} ms at most";

    public async Task BeginAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        foreach (var replica in system.Replicas)
        {
            var reader = new Reader(new Uri(replica.Url, $"/v1/events/stream?topic={Topic}"), _over.Token);
            _readers.Add(reader);
            await reader.Connected.WaitAsync(cancellationToken);
        }
    }

    public async Task AskAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        // More than one each time that it is asked: a fault's time is short.
        for (var i = 0; i < 10 && _number < Commits && !cancellationToken.IsCancellationRequested; i++)
        {
            var number = ++_number;
            await system.CommitUnsentAsync(Topic, $"{number}", CancellationToken.None);
            var start = TimeProvider.System.GetTimestamp();
            using var limit = new CancellationTokenSource(LongestWait);
            foreach (var reader in _readers)
                await reader.ReachesAsync(number, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _late.Add(TimeProvider.System.GetElapsedTime(start));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        foreach (var reader in _readers)
            await reader.Reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _over.Dispose();
    }

    private TimeSpan Percentile(double part) =>
        _late.Count == 0 ? TimeSpan.Zero : _late.Order().ElementAt((int)(part * (_late.Count - 1)));

    private sealed class Reader
    {
        private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Channel<bool> _more = Channel.CreateUnbounded<bool>();

        public Reader(Uri stream, CancellationToken over) => Reading = ReadAsync(stream, over);

        public Task Reading { get; }
        public Task Connected => _connected.Task;
        public ConcurrentQueue<int> Numbers { get; } = [];

        public async Task ReachesAsync(int number, CancellationToken cancellationToken)
        {
            while (Numbers.Count < number)
                await _more.Reader.ReadAsync(cancellationToken);
        }

        private async Task ReadAsync(Uri stream, CancellationToken over)
        {
            using var client = new SseClient();
            await foreach (var received in client.Open(new SseRequest(stream)).WithCancellation(over))
                if (received.Type == "connected")
                    _connected.TrySetResult();
                else if (received.Type == "probe")
                {
                    Numbers.Enqueue(int.Parse(received.Data, CultureInfo.InvariantCulture));
                    _more.Writer.TryWrite(true);
                }
        }
    }
}
