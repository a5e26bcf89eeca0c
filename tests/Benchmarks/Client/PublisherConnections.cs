using System.Net;
using System.Net.Sockets;
using System.Text;
using Measuring;

namespace Benchmarks.Client;

/// <summary>The connections of one publisher, on one epoll and one thread; each has one request at a time.</summary>
internal sealed class PublisherConnections : IDisposable
{
    private readonly PublishOrder _order;
    private readonly Epoll _epoll = new();
    private readonly LatencyHistogram _latency = new();
    private readonly Connection[] _connections;
    private readonly int[] _ready = new int[1_024];
    private readonly byte[] _buffer = new byte[256 * 1024];
    private Queue<Connection> _idle = new();
    private long _accepted;
    private long _number;
    private int _firstRefusal;

    public PublisherConnections(PublishOrder order)
    {
        _order = order;
        _connections = new Connection[order.Connections];
        for (var i = 0; i < _connections.Length; i++)
            Connect(i);
    }

    private sealed class Connection(Socket socket)
    {
        public Socket Socket => socket;
        public nint Descriptor { get; } = socket.Handle;
        public ResponseScanner? Answer;
        public long DueAt;
    }

    public long Sent { get; private set; }
    public long Answered { get; private set; }

    /// <summary>Sends the requests that are due and have an idle connection. Without a rate, all are due.</summary>
    public void SendDue(long begun, long now, long limit)
    {
        var due = DueAt(begun) ?? now;
        while (_idle.Count > 0 && Sent < _order.Count && due <= now && now <= limit)
        {
            Send(_idle.Dequeue(), due);
            due = DueAt(begun) ?? (now = Wire.Now());
        }

        if (_order.Rate > 0 && Sent < _order.Count && _idle.Count > 0)
            _epoll.WakeAfter(TimeSpan.FromTicks(Math.Max(1, due - Wire.Now())));
    }

    /// <summary>Reads the answers that have arrived, or waits for one, or for the next request to be due.</summary>
    public void Read()
    {
        var number = _epoll.Wait(_ready, 100);
        for (var i = 0; i < number; i++)
            if (_ready[i] >= 0)
                Read(_ready[i]);
    }

    public PublishResult Result(long ticks)
    {
        var latencies = _latency.Snapshot();
        return new(
            Sent,
            _accepted,
            _firstRefusal,
            ticks / (double)TimeSpan.TicksPerSecond,
            latencies.Percentile(50),
            latencies.Percentile(99),
            Environment.CpuUsage.TotalTime.TotalSeconds
        );
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
            connection.Socket.Dispose();
        _epoll.Dispose();
    }

    /// <summary>The time at which the next request is due, or null without a rate.</summary>
    private long? DueAt(long begun) =>
        _order.Rate > 0 ? begun + (long)(Sent * TimeSpan.TicksPerSecond / _order.Rate) : null;

    private void Connect(int index)
    {
        _connections[index] = new Connection(
            Wire.Connect(new IPEndPoint(IPAddress.Parse(_order.Url.Host), _order.Url.Port))
        );
        _epoll.Watch(_connections[index].Descriptor, index);
        _idle.Enqueue(_connections[index]);
    }

    private void Send(Connection connection, long due)
    {
        Sent++;
        // A publish that waited for a connection is late since it was due.
        connection.DueAt = due;
        connection.Answer = new ResponseScanner();
        connection.Socket.Send(Wire.Request("POST", _order.Url, "Content-Type: application/json\r\n", Body(due)));
    }

    private string Body(long due)
    {
        if (_order.Topic is null)
            return Wire.Event(++_number, due);
        if (_order.Batch == 1)
            return Wrapped(due);

        var text = new StringBuilder("[");

        for (var i = 0; i < _order.Batch; i++)
            text.Append(i > 0 ? "," : "").Append(Wrapped(due));

        return text.Append(']').ToString();
    }

    private string Wrapped(long due) =>
        $$"""{"topic":"{{_order.Topic}}","type":"m","data":{{Wire.Event(++_number, due)}}}""";

    private void Read(int index)
    {
        var connection = _connections[index];
        var number = Epoll.Receive(connection.Descriptor, _buffer);
        if (number < 0)
            return;
        if (number > 0 && connection.Answer?.Read(_buffer.AsSpan(0, number)) is not true)
            return;

        if (connection.Answer is { } answer)
        {
            Count(connection, number > 0 ? answer.Status : -1);
            connection.Answer = null;

            if (number > 0)
            {
                _idle.Enqueue(connection);
                return;
            }
        }

        connection.Socket.Dispose();
        // A connection that the server closed while idle is still queued.
        _idle = new Queue<Connection>(_idle.Where(c => c != connection));
        Connect(index);
    }

    /// <param name="connection">The connection of the request.</param>
    /// <param name="status">The answer's status; -1 when the server closed the connection instead.</param>
    private void Count(Connection connection, int status)
    {
        Answered++;
        _latency.RecordTicks(Wire.Now() - connection.DueAt);
        if (status is >= 200 and < 300)
            _accepted++;
        else if (_firstRefusal == 0)
            _firstRefusal = status;
    }
}
