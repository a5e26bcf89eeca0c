using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Threading.Channels;
using AspireSse.Client;

namespace Reliability;

/// <summary>
/// Reads a stream of replica 1, which alone has lost Postgres, and publishes at replica 2 without retries. Each event
/// must be accepted and arrive within a second, on a stream that never ends.
/// </summary>
internal sealed class CutOffProbe : IFaultProbe
{
    private const string Topic = "probe.cut-off";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private readonly CancellationTokenSource _over = new();
    private readonly Channel<int> _arrived = Channel.CreateUnbounded<int>();
    private Task _reading = Task.CompletedTask;
    private int _number;
    private int _onTime;
    private int _late;
    private int _refused;
    private int _connects;
    private double _slowest;

    public bool IsOk => _onTime > 0 && _late + _refused == 0 && _connects == 1;

    public string Remark =>
        $"replica 1 streamed {_onTime} of {_onTime + _late} events of replica 2 within a second, the slowest after "
        + $"{_slowest:F0} ms; replica 2 refused {_refused}; {_connects - 1} reconnects";

    public async Task BeginAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _reading = ReadAsync(new Uri(system.Replicas[0].Url, $"/v1/events/stream?topic={Topic}"), connected);
        await (await Task.WhenAny(connected.Task, _reading)).WaitAsync(cancellationToken);
    }

    public async Task AskAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        var number = ++_number;
        var start = TimeProvider.System.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);

        var isAccepted = false;
        try
        {
            using var response = await Http.PostAsJsonAsync(
                new Uri(system.Replicas[1].Url, "/v1/events"),
                new
                {
                    topic = Topic,
                    type = "probe",
                    data = number,
                },
                limit.Token
            );
            isAccepted = response.StatusCode == HttpStatusCode.Accepted;
            if (!isAccepted)
            {
                _refused++;
                return;
            }

            while (await _arrived.Reader.ReadAsync(limit.Token) != number) { }

            _onTime++;
            _slowest = Math.Max(_slowest, TimeProvider.System.GetElapsedTime(start).TotalMilliseconds);
        }
        // The last event is not judged: the fault ends before its second has passed.
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested) { }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            if (isAccepted)
                _late++;
            else
                _refused++;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _over.Dispose();
    }

    private async Task ReadAsync(Uri stream, TaskCompletionSource connected)
    {
        using var client = new SseClient();
        await foreach (var received in client.Open(new SseRequest(stream)).WithCancellation(_over.Token))
            if (received.Type == "connected")
            {
                _connects++;
                connected.TrySetResult();
            }
            else if (received.Type == "probe")
                _arrived.Writer.TryWrite(int.Parse(received.Data, CultureInfo.InvariantCulture));
    }
}
