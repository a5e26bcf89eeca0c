using System.Net;
using System.Net.Sockets;
using Measuring;

namespace Benchmarks.Client;

/// <summary>The streams of one reader, on one epoll and one thread.</summary>
internal sealed class ReaderStreams(ReadOrder order) : IDisposable
{
    private readonly Epoll _epoll = new();
    private readonly LatencyHistogram _latency = new();
    private readonly Stream?[] _streams = new Stream?[order.Connections];
    private readonly int[] _ready = new int[1_024];
    private readonly byte[] _buffer = new byte[256 * 1024];
    private long _events;
    private long _wrong;
    private long _reads;
    private long _now;
    private long _lastAt;
    private int _opened;
    private int _answered;
    private int _refused;
    private int _done;

    private sealed record Stream(Socket Socket, nint Descriptor, EventScanner Scanner);

    /// <summary>The time of the first connect.</summary>
    public long Begun { get; } = Wire.Now();

    /// <summary>True when every stream is open or refused.</summary>
    public bool HaveAnswered => _answered == order.Connections;

    /// <summary>True when every open stream has its expected events, or was ended by the server.</summary>
    public bool HaveAll => order.Expect > 0 && _done >= order.Connections - _refused;

    /// <summary>Connects further streams, up to <see cref="ReaderProgram.MaxInFlight"/> at a time.</summary>
    public void Open()
    {
        while (_opened < order.Connections && _opened - _answered < ReaderProgram.MaxInFlight)
            OpenNext();
    }

    /// <summary>Reads from the streams that have something, or waits for one.</summary>
    public void Read()
    {
        var number = _epoll.Wait(_ready, _opened < order.Connections ? 0 : 20);
        _now = Wire.Now();
        for (var i = 0; i < number; i++)
            if (_streams[_ready[i]] is { } stream)
                Read(_ready[i], stream);
    }

    public ReadersReady Ready() => new(_answered - _refused, _refused, Seconds(Wire.Now()));

    /// <param name="cpu">CPU seconds of this process when the streams were ready.</param>
    public ReadResult Result(double cpu)
    {
        var latencies = _latency.Snapshot();
        return new(
            _answered - _refused,
            _events,
            Math.Max(0, order.Expect * order.Connections - _events),
            _wrong,
            latencies.Percentile(50),
            latencies.Percentile(99),
            latencies.Percentile(99.9),
            latencies.MaxMs,
            Seconds(_lastAt),
            Environment.CpuUsage.TotalTime.TotalSeconds - cpu,
            _reads
        );
    }

    public void Dispose() => _epoll.Dispose();

    private double Seconds(long at) => (at - Begun) / (double)TimeSpan.TicksPerSecond;

    private void OpenNext()
    {
        var url = order.Urls[_opened % order.Urls.Length];
        var id = order.LastEventIds?[_opened % order.Urls.Length];
        var socket = Wire.Connect(new IPEndPoint(IPAddress.Parse(url.Host), url.Port));
        socket.Send(
            Wire.Request(
                "GET",
                url,
                $"Accept: text/event-stream\r\n{Header("Last-Event-ID", id)}{Header("X-Api-Key", order.Key)}"
            )
        );
        _streams[_opened] = new Stream(socket, socket.Handle, new EventScanner(order.Expect, Received));
        _epoll.Watch(socket.Handle, _opened++);
    }

    private static string Header(string name, string? value) => value is null ? "" : $"{name}: {value}\r\n";

    private void Received(long at)
    {
        _latency.RecordTicks(_now - at);
        _lastAt = _now;
    }

    private void Read(int index, Stream stream)
    {
        var scanner = stream.Scanner;
        var number = Epoll.Receive(stream.Descriptor, _buffer);
        if (number < 0)
            return;

        _reads++;
        var before = scanner.Events;
        var status = scanner.Status;
        var wrongBefore = scanner.Wrong;
        scanner.Read(_buffer.AsSpan(0, number));

        if (status == 0 && (scanner.Status != 0 || number == 0))
        {
            _answered++;
            if (scanner.Status != 200)
                _refused++;
        }

        _events += scanner.Events - before;
        _wrong += scanner.Wrong - wrongBefore;

        if (order.Expect > 0 && before < order.Expect && scanner.Events >= order.Expect)
            _done++;
        if (number > 0)
            return;

        if (scanner.Status == 200 && scanner.Events < order.Expect)
            _done++; // ended by the server: missing events count as lost

        stream.Socket.Dispose();
        _streams[index] = null;
    }
}
