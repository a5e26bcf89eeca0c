using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Streaming.Takeover;

/// <summary>Connection middleware that takes connections from Kestrel by public API only. HTTP gets a stand-in for the
/// transport, which keeps the response head and swallows the completions that would close the socket.</summary>
internal sealed class KestrelTakeover : IDuplexPipe, IConnectionTakeover, IConnectionHeartbeatFeature
{
    /// <summary>The <c>Keep-Alive</c> of a connection that ends with its stream: clients that read it (.NET, Node) send
    /// no other request there, even before they see the end.</summary>
    public const string NotKept = "timeout=1";

    private readonly IDuplexPipe _transport;
    private readonly InputPipe _input;
    private readonly OutputPipe _output;
    private readonly HeartbeatBox _heartbeat = new();
    private (Action<object> Action, object State)[] _heartbeats = [];
    private Func<TakenConnection, Task>? _run;
    private bool _armed;

    private KestrelTakeover(IDuplexPipe transport)
    {
        _transport = transport;
        _input = new InputPipe(this, transport.Input);
        _output = new OutputPipe(this, transport.Output);
        _heartbeat.Takeover = this;
    }

    PipeReader IDuplexPipe.Input => _input;
    PipeWriter IDuplexPipe.Output => _output;

    public static Func<ConnectionDelegate, ConnectionDelegate> Middleware(
        OpenConnections open,
        KestrelServerLimits limits
    ) =>
        next =>
            async connection =>
            {
                if (!open.TryAdd(limits.MaxConcurrentConnections))
                {
                    connection.Abort(new ConnectionAbortedException("The server has too many connections."));
                    return;
                }

                try
                {
                    // A separate method, so that nothing of the HTTP phase stays reachable after it has returned.
                    var (run, over) = await ServeHttpAsync(connection, next, open);
                    if (run is not null)
                        await run(over!);
                }
                finally
                {
                    open.Remove();
                }
            };

    private static async ValueTask<(Func<TakenConnection, Task>? Run, TakenConnection? Over)> ServeHttpAsync(
        ConnectionContext connection,
        ConnectionDelegate next,
        OpenConnections open
    )
    {
        var takeover = new KestrelTakeover(connection.Transport);
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
        catch (Exception) when (takeover._run is not null) { } // the stream sees by itself that the connection is gone
        finally
        {
            connection.Transport = takeover._transport;
            // Stops Kestrel's heartbeat: its response timeout would end the stream, and it would keep the request in
            // memory.
            takeover._heartbeat.Takeover = null;
            connection.Features.Set<IConnectionTakeover>(null);

            if (heartbeat is not null)
                connection.Features.Set(heartbeat);
        }

        if (takeover._run is { } run)
            return (run, new TakenConnection(connection, takeover._output.Head, takeover._output.IsFresh, open));

        if (takeover._armed)
            connection.Abort(new ConnectionAbortedException("The request ended without completing the takeover."));

        return default;
    }

    public bool TryArm(HttpContext context)
    {
        if (
            _armed
            || context.Response.HasStarted
            || context.Request.Protocol != "HTTP/1.1"
            || context.Features.Get<ITlsHandshakeFeature>() is not null
            || IsBodyOpen(context)
        )
            return false;

        // Kestrel's loop ends after this request. Because the application sets the framing, Kestrel adds no chunks and
        // no last chunk.
        context.Response.Headers.Connection = "close";
        context.Response.Headers.KeepAlive = NotKept;
        context.Response.Headers.TransferEncoding = "chunked";

        return _armed = true;
    }

    public void Complete(Func<TakenConnection, Task> run) =>
        _run = _armed ? run : throw new InvalidOperationException("Not armed.");

    void IConnectionHeartbeatFeature.OnHeartbeat(Action<object> action, object state) =>
        _heartbeats = [.. _heartbeats, (action, state)];

    /// <summary>Returns true if more of the request's body may come: Kestrel would wait for it before it ends its
    /// loop, and then reset the connection.</summary>
    private static bool IsBodyOpen(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true)
            return false;

        try
        {
            var body = context.Request.BodyReader;
            if (!body.TryRead(out var read))
                return true;

            body.AdvanceTo(read.IsCompleted ? read.Buffer.End : read.Buffer.Start);
            return !read.IsCompleted;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return true; // too large, malformed, or the application has completed the reader
        }
    }

    private void Heartbeat()
    {
        foreach (var (action, state) in _heartbeats)
            action(state);
    }

    /// <summary>Box that the transport's heartbeat keeps until the connection ends; emptied after HTTP.</summary>
    private sealed class HeartbeatBox
    {
        public KestrelTakeover? Takeover;
    }

    private sealed class InputPipe(KestrelTakeover takeover, PipeReader input) : PipeReader
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

    private sealed class OutputPipe(KestrelTakeover takeover, PipeWriter output) : PipeWriter
    {
        private readonly ArrayBufferWriter<byte> _head = new();

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
