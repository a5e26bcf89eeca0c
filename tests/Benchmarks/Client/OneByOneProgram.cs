using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Benchmarks.Client;

/// <summary>The mode <c>one-by-one</c>: one thread that publishes an event, and the next one when this is answered and
/// received. So each event has the servers to itself, and one clock times its publish, answer and receipt.</summary>
internal sealed class OneByOneProgram : IDisposable
{
    private const int Publisher = 0,
        Reader = 1;

    // An event that comes a second time may come by a slower way. Work that an answer does not wait for ends, too.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly OneByOneOrder _order;
    private readonly Epoll _epoll = new();
    private readonly Socket[] _sockets;
    private readonly EventScanner _events;
    private readonly double[] _received;
    private readonly double[] _lag;
    private readonly int[] _ready = new int[2];
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly long _limit;
    private ResponseScanner _answer = new();
    private long _answeredAt;
    private long _receivedAt;

    private OneByOneProgram(OneByOneOrder order)
    {
        _order = order;
        _received = new double[order.Count];
        _lag = new double[order.Count];
        _limit = Stopwatch.GetTimestamp() + (long)(order.LimitSeconds * Stopwatch.Frequency);
        _events = new EventScanner(order.Count, _ => _receivedAt = Stopwatch.GetTimestamp());
        _sockets = [Connect(order.Publish), Connect(order.Subscribe)];
        for (var i = 0; i < _sockets.Length; i++)
            _epoll.Watch(_sockets[i].Handle, i);
    }

    public static void Run(OneByOneOrder order, TextWriter output, CancellationToken stop)
    {
        using var program = new OneByOneProgram(order);
        var isOpen = program.Subscribe();
        output.WriteLine(JsonSerializer.Serialize(new ReadersReady(isOpen ? 1 : 0, isOpen ? 0 : 1, 0)));

        output.WriteLine(JsonSerializer.Serialize(program.PublishAll(stop)));
        // Closing the stream is work for the server, which the parent may still be measuring.
        stop.WaitHandle.WaitOne();
    }

    public void Dispose()
    {
        foreach (var socket in _sockets)
            socket.Dispose();
        _epoll.Dispose();
    }

    private static Socket Connect(Uri url) => Wire.Connect(new IPEndPoint(IPAddress.Parse(url.Host), url.Port));

    private bool Subscribe()
    {
        _sockets[Reader].Send(Wire.Request("GET", _order.Subscribe, "Accept: text/event-stream\r\n"));
        while (_events.Status == 0 && Stopwatch.GetTimestamp() < _limit)
            Read();

        return _events.Status == 200;
    }

    private OneByOneResult PublishAll(CancellationToken stop)
    {
        ReadFor(Settling);

        var published = 0;
        while (published < _order.Count && TryPublish(published) && !stop.IsCancellationRequested)
            published++;

        ReadFor(Settling);
        Array.Sort(_received);
        Array.Sort(_lag);

        return new(
            _order.Count - _events.Events,
            _events.Wrong,
            _answer.Status,
            Percentile(_received, 50),
            Percentile(_received, 99),
            Percentile(_lag, 50)
        );
    }

    /// <summary>Publishes an event and waits for it. Returns false if it is refused or does not come in time.</summary>
    private bool TryPublish(int index)
    {
        _answer = new ResponseScanner();
        _answeredAt = 0;
        _receivedAt = 0;

        var start = Stopwatch.GetTimestamp();
        var body = $$"""{"topic":"{{_order.Topic}}","type":"m","data":{{Wire.Event(index + 1, Wire.Now())}}}""";
        _sockets[Publisher].Send(Wire.Request("POST", _order.Publish, "Content-Type: application/json\r\n", body));
        while (_answeredAt == 0 || _receivedAt == 0)
        {
            Read();
            if (Stopwatch.GetTimestamp() > _limit || (_answeredAt > 0 && _answer.Status is < 200 or >= 300))
                return false;
        }

        _received[index] = Stopwatch.GetElapsedTime(start, _receivedAt).TotalMilliseconds;
        _lag[index] = Stopwatch.GetElapsedTime(_answeredAt, _receivedAt).TotalMilliseconds;
        return true;
    }

    private void ReadFor(TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
            Read();
    }

    /// <summary>Reads what has arrived, or waits for it.</summary>
    private void Read()
    {
        var number = _epoll.Wait(_ready, 20);
        for (var i = 0; i < number; i++)
        {
            var bytes = Epoll.Receive(_sockets[_ready[i]].Handle, _buffer);
            if (bytes == 0)
                throw new IOException("The server closed the connection.");
            if (bytes < 0)
                continue;

            if (_ready[i] == Reader)
                _events.Read(_buffer.AsSpan(0, bytes));
            else if (_answer.Read(_buffer.AsSpan(0, bytes)))
                _answeredAt = Stopwatch.GetTimestamp();
        }
    }

    private static double Percentile(double[] sorted, double percent) =>
        sorted[(int)Math.Ceiling(percent * sorted.Length / 100) - 1];
}

/// <summary>The order for a process that publishes one by one and receives at another address.</summary>
internal sealed record OneByOneOrder(Uri Publish, Uri Subscribe, string Topic, int Count, double LimitSeconds);

/// <summary>The result of such a process.</summary>
/// <param name="Lost">Events that did not come.</param>
/// <param name="Wrong">Duplicated or reordered events.</param>
/// <param name="Status">The status of the last answer.</param>
/// <param name="P50Ms">From the publish to the receipt.</param>
/// <param name="P99Ms">From the publish to the receipt.</param>
/// <param name="LagP50Ms">From the answer to the receipt; negative if the event comes before.</param>
internal sealed record OneByOneResult(long Lost, long Wrong, int Status, double P50Ms, double P99Ms, double LagP50Ms);
