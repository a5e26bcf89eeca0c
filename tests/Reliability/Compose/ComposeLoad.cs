using System.Text;
using AspireSse.Client;
using AspireSse.Client.Publishing;
using LoadTests;
using Measuring.Ledger;

namespace Reliability.Compose;

/// <summary>Publishers and readers through the proxy, within the default limits of one user, and their ledger. A
/// quarter of the readers drop and resume.</summary>
internal sealed class ComposeLoad(HttpClient http) : IAsyncDisposable
{
    private const int Topics = 4,
        ReadersOfTopic = 2;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan DropEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(60);
    private readonly CancellationTokenSource _publishing = new();
    private readonly CancellationTokenSource _reading = new();
    private readonly DeliveryLedger _ledger = new();
    private readonly List<Task> _publishers = [];
    private readonly List<Task> _readers = [];
    private int _failed;
    private int _resyncs;

    /// <summary>Opens the readers, then starts the publishers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var client = new SseClient(http);
        var publisher = new EventPublisher(http, new PublisherOptions { MaxRetries = null });

        for (var topic = 0; topic < Topics; topic++)
        {
            var name = $"compose.t{topic}";
            var source = _ledger.AddPublisher($"t{topic}");

            for (var i = 0; i < ReadersOfTopic; i++)
            {
                var open = new TaskCompletionSource();
                var account = _ledger.AddReader($"{name} {i}", source);
                _readers.Add(ReadAsync(client, name, account, drops: topic % 2 == 0 && i == 0, open));
                await open.Task.WaitAsync(TimeSpan.FromSeconds(30), cancellationToken);
            }

            _publishers.Add(PublishAsync(publisher, name, source));
        }
    }

    /// <summary>Ends the publishers and waits until every acknowledged event has arrived.</summary>
    public async Task<LedgerReport> FinishAsync(CancellationToken cancellationToken)
    {
        await _publishing.CancelAsync();
        await Task.WhenAll(_publishers).WaitAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        limit.CancelAfter(DrainLimit);

        try
        {
            while (_ledger.MissingNow > 0)
                await Task.Delay(100, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { } // the report counts

        await _reading.CancelAsync();
        await Task.WhenAll(_readers);
        return _ledger.Report();
    }

    public string Remarks => $"publishes failed × {_failed}, resyncs × {_resyncs}";

    public bool Ok => _failed == 0 && _resyncs == 0;

    public async ValueTask DisposeAsync()
    {
        await _publishing.CancelAsync();
        await _reading.CancelAsync();
        await Task.WhenAll([.. _publishers, .. _readers]);
        _publishing.Dispose();
        _reading.Dispose();
    }

    private async Task ReadAsync(
        SseClient client,
        string topic,
        LedgerReader account,
        bool drops,
        TaskCompletionSource open
    )
    {
        var stream = client.Open($"/v1/events/stream?topic={topic}");
        while (!_reading.IsCancellationRequested)
        {
            using var visit = CancellationTokenSource.CreateLinkedTokenSource(_reading.Token);

            if (drops && open.Task.IsCompleted)
                visit.CancelAfter(DropEvery);

            try
            {
                await foreach (var received in stream.WithCancellation(visit.Token))
                {
                    if (received.Resync is not null)
                        Interlocked.Increment(ref _resyncs);
                    account.Receive(received.Utf8Data.Span, received.Id);
                    if (!open.TrySetResult() || !drops)
                        continue;
                    visit.CancelAfter(DropEvery);
                }
            }
            catch (OperationCanceledException) when (visit.IsCancellationRequested) { } // resumes after the last id
            catch (SseException e)
            {
                open.TrySetException(new LoadTestException($"The stream of {topic} was refused: {e.Message}", e));
                throw;
            }
        }
    }

    private async Task PublishAsync(EventPublisher publisher, string topic, LedgerPublisher source)
    {
        using var pace = new PeriodicTimer(Interval);
        while (!_publishing.IsCancellationRequested)
        {
            var sequence = source.Next();
            var data = Encoding.UTF8.GetBytes(Stamp.Json(source.Number, sequence, 200));
            try
            {
                // Not cancelled at the end: an event without an answer would be neither lost nor acknowledged.
                var published = await publisher.PublishAsync(new OutgoingEvent(topic, "numbered", data));
                source.Acknowledge(sequence, published.Position);
            }
            catch (PublishException e)
            {
                Interlocked.Increment(ref _failed);
                await Console.Error.WriteLineAsync(e.Message);
            }

            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
