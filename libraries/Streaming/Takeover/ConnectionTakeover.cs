using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Streaming.Takeover;

/// <summary>
/// A connection middleware around Kestrel's HTTP. It gives HTTP a stand-in for the transport, and takes the connection
/// when an endpoint
/// asked for it: the stand-in then keeps the response head, and swallows the completion of the pipes that would close
/// the socket. By
/// public API only.
/// </summary>
internal sealed class ConnectionTakeover : IDuplexPipe, IConnectionTakeover, IConnectionHeartbeatFeature
{
    private readonly IDuplexPipe _transport;
    private readonly InputPipe _input;
    private readonly OutputPipe _output;
    private readonly HeartbeatBox _heartbeat = new();
    private (Action<object> Action, object State)[] _beats = [];
    private Func<TakenConnection, Task>? _run;
    private bool _armed;

    private ConnectionTakeover(IDuplexPipe transport)
    {
        _transport = transport;
        _input = new InputPipe(this, transport.Input);
        _output = new OutputPipe(this, transport.Output);
        _heartbeat.Takeover = this;
    }

    PipeReader IDuplexPipe.Input => _input;
    PipeWriter IDuplexPipe.Output => _output;

    public static ConnectionDelegate Middleware(ConnectionDelegate next) =>
        async connection =>
        {
            // A method of its own: nothing of the HTTP phase is reachable from here once it has returned.
            var (run, over) = await ServeHttpAsync(connection, next);
            if (run is not null)
                await run(over!);
        };

    private static async ValueTask<(Func<TakenConnection, Task>? Run, TakenConnection? Over)> ServeHttpAsync(
        ConnectionContext connection,
        ConnectionDelegate next
    )
    {
        var takeover = new ConnectionTakeover(connection.Transport);
        var heartbeat = connection.Features.Get<IConnectionHeartbeatFeature>();
        if (heartbeat is not null)
        {
            heartbeat.OnHeartbeat(static box => ((HeartbeatBox)box).Takeover?.Heartbeat(), takeover._heartbeat);
            connection.Features.Set<IConnectionHeartbeatFeature>(takeover);
        }
        connection.Features.Set<IConnectionTakeover>(takeover);
        connection.Transport = takeover;
        try
        {
            await next(connection);
        }
        catch (Exception) when (takeover._run is not null) { } // the stream's own code sees that the connection is gone
        finally
        {
            connection.Transport = takeover._transport;
            // Kestrel's ticks would go on: its response timeout would kill the stream, and they would root the whole
            // request.
            takeover._heartbeat.Takeover = null;
            connection.Features.Set<IConnectionTakeover>(null);
            if (heartbeat is not null)
                connection.Features.Set(heartbeat);
        }
        if (takeover._run is { } run)
            return (run, new TakenConnection(connection, takeover._output.Head, takeover._output.IsFresh));
        if (takeover._armed)
            connection.Abort(new ConnectionAbortedException("The request ended without handing its connection over."));
        return default;
    }

    public bool TryArm(HttpContext context)
    {
        if (
            _armed
            || context.Response.HasStarted
            || context.Request.Protocol != "HTTP/1.1"
            || context.Features.Get<ITlsHandshakeFeature>() is not null
        )
            return false;
        // Kestrel's loop ends after this request; and with the framing set by the application it adds neither chunks
        // nor the last one.
        context.Response.Headers.Connection = "close";
        context.Response.Headers.TransferEncoding = "chunked";
        return _armed = true;
    }

    public void Complete(Func<TakenConnection, Task> run) =>
        _run = _armed ? run : throw new InvalidOperationException("Not armed.");

    void IConnectionHeartbeatFeature.OnHeartbeat(Action<object> action, object state) =>
        _beats = [.. _beats, (action, state)];

    private void Heartbeat()
    {
        foreach (var (action, state) in _beats)
            action(state);
    }

    /// <summary>What the transport's heartbeat holds on to for the connection's life: a box, emptied with the HTTP
    /// phase.</summary>
    private sealed class HeartbeatBox
    {
        public ConnectionTakeover? Takeover;
    }

    private sealed class InputPipe(ConnectionTakeover takeover, PipeReader input) : PipeReader
    {
        public override void AdvanceTo(SequencePosition consumed) => input.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) =>
            input.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => input.CancelPendingRead();

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            input.ReadAsync(cancellationToken);

        public override bool TryRead(out ReadResult result) => input.TryRead(out result);

        public override void Complete(Exception? exception = null)
        {
            if (takeover._run is null)
                input.Complete(exception);
        }
    }

    private sealed class OutputPipe(ConnectionTakeover takeover, PipeWriter output) : PipeWriter
    {
        private readonly ArrayBufferWriter<byte> _head = new();

        /// <summary>Nothing went through to the transport.</summary>
        public bool IsFresh { get; private set; } = true;

        public ReadOnlyMemory<byte> Head => _head.WrittenMemory;
        public override bool CanGetUnflushedBytes => output.CanGetUnflushedBytes;
        public override long UnflushedBytes => takeover._armed ? 0 : output.UnflushedBytes;

        public override void Advance(int bytes)
        {
            if (takeover._armed)
            {
                _head.Advance(bytes);
                return;
            }
            IsFresh &= bytes == 0;
            output.Advance(bytes);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) =>
            takeover._armed ? _head.GetMemory(sizeHint) : output.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) =>
            takeover._armed ? _head.GetSpan(sizeHint) : output.GetSpan(sizeHint);

        public override void CancelPendingFlush() => output.CancelPendingFlush();

        public override void Complete(Exception? exception = null)
        {
            if (!takeover._armed)
                output.Complete(exception);
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            takeover._armed ? default : output.FlushAsync(cancellationToken);

        public override ValueTask<FlushResult> WriteAsync(
            ReadOnlyMemory<byte> source,
            CancellationToken cancellationToken = default
        )
        {
            if (!takeover._armed)
            {
                IsFresh = false;
                return output.WriteAsync(source, cancellationToken);
            }
            _head.Write(source.Span);
            return default;
        }
    }
}
