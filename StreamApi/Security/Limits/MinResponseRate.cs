using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// Aborts a request whose response is read too slowly. Streams are exempt (<c>AspireSse:Streaming:DeadSeconds</c>
/// judges them); Kestrel's own limit would cover all streams of an HTTP/2 connection together.
/// </summary>
internal sealed class MinResponseRate(
    HttpContext context,
    IHttpResponseBodyFeature inner,
    TimeSpan grace,
    int perSecond,
    TimeProvider clock
) : IHttpResponseBodyFeature
{
    /// <summary>Maximum bytes of one write, so that progress is visible.</summary>
    private const int ChunkBytes = 16 * 1024;

    /// <summary>
    /// Bytes that Kestrel buffers before it waits for the reader (KestrelServerLimits.MaxResponseBufferSize).
    /// </summary>
    private const int BufferedBytes = 64 * 1024;

    private TimedStream? _stream;
    private TimedWriter? _writer;

    /// <summary>
    /// Seconds that further writes may wait. Written bytes add to it, up to its initial value; waiting uses it up.
    /// </summary>
    private double _credit = MaxCredit(grace, perSecond);

    public Stream Stream => _stream ??= new TimedStream(this);
    public PipeWriter Writer => _writer ??= new TimedWriter(this);

    /// <summary>Watches every response that is not declared a stream.</summary>
    public static void Use(WebApplication app)
    {
        var (limits, clock) = (
            app.Services.GetRequiredService<IOptions<LimitOptions>>().Value,
            app.Services.GetRequiredService<TimeProvider>()
        );
        var grace = TimeSpan.FromSeconds(limits.ResponseGraceSeconds);
        var perSecond = limits.MinResponseBytesPerSecond;

        var rate = new MinDataRate(perSecond, grace);
        app.Use(
            async (context, next) =>
            {
                var inner = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
                var limit = new MinResponseRate(context, inner, grace, perSecond, clock);
                context.Features.Set<IHttpResponseBodyFeature>(limit);

                // Covers the bytes that Kestrel still holds when the response is complete. HTTP/1.1 only: on HTTP/2 a
                // write ends when it was sent.
                if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } feature)
                    feature.MinDataRate = rate;

                await next(context);

                if (
                    ReferenceEquals(context.Features.Get<IHttpResponseBodyFeature>(), limit)
                    && inner.Writer is { CanGetUnflushedBytes: true, UnflushedBytes: > 0 }
                )
                    await limit.FlushAsync(context.RequestAborted);
            }
        );
    }

    /// <summary>Exempts this response: only streams are not buffered.</summary>
    public void DisableBuffering()
    {
        inner.DisableBuffering();
        if (context.Features.Get<IHttpResponseBodyFeature>() == this)
            context.Features.Set(inner);
    }

    public Task StartAsync(CancellationToken cancellationToken = default) => inner.StartAsync(cancellationToken);

    public Task CompleteAsync() => inner.CompleteAsync();

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);

    private IHttpResponseBodyFeature Inner => inner;

    private ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken)
    {
        var bytes = inner.Writer.CanGetUnflushedBytes ? inner.Writer.UnflushedBytes : ChunkBytes;
        var flush = inner.Writer.FlushAsync(cancellationToken);
        if (!flush.IsCompleted)
            return new ValueTask<FlushResult>(TimedAsync(flush.AsTask(), bytes));
        Written(bytes, TimeSpan.Zero);
        return flush;
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        do
        {
            var chunk = bytes[..Math.Min(bytes.Length, ChunkBytes)];
            var write = inner.Stream.WriteAsync(chunk, cancellationToken);
            if (write.IsCompletedSuccessfully)
            {
                write.GetAwaiter().GetResult();
                Written(chunk.Length, TimeSpan.Zero);
            }
            else
                await TimedAsync(AsTask(write), chunk.Length);

            bytes = bytes[chunk.Length..];
        } while (bytes.Length > 0);

        static async Task<bool> AsTask(ValueTask write)
        {
            await write;
            return true;
        }
    }

    private async Task<T> TimedAsync<T>(Task<T> write, long bytes)
    {
        // Only a slow reader costs a timer.
        var due = TimeSpan.FromSeconds(_credit + (double)bytes / perSecond);
        var start = clock.GetTimestamp();
        await using var late = clock.CreateTimer(_ => context.Abort(), null, due, Timeout.InfiniteTimeSpan);
        var result = await write;
        Written(bytes, clock.GetElapsedTime(start));
        return result;
    }

    private void Written(long bytes, TimeSpan waited) =>
        _credit = Math.Clamp(_credit + (double)bytes / perSecond - waited.TotalSeconds, 0, MaxCredit(grace, perSecond));

    private static double MaxCredit(TimeSpan grace, int perSecond) =>
        grace.TotalSeconds + (double)BufferedBytes / perSecond;

    private sealed class TimedStream(MinResponseRate limit) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer,
            CancellationToken cancellationToken = default
        ) => new(limit.WriteAsync(buffer, cancellationToken));

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            limit.WriteAsync(buffer.AsMemory(offset, count), cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) =>
            limit.FlushAsync(cancellationToken).AsTask();

        public override void Flush() => throw new NotSupportedException("Responses are written asynchronously.");

        public override void Write(byte[] buffer, int offset, int count) =>
            throw new NotSupportedException("Responses are written asynchronously.");

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }

    private sealed class TimedWriter(MinResponseRate limit) : PipeWriter
    {
        private readonly PipeWriter _inner = limit.Inner.Writer;

        public override bool CanGetUnflushedBytes => _inner.CanGetUnflushedBytes;
        public override long UnflushedBytes => _inner.UnflushedBytes;

        public override void Advance(int bytes) => _inner.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => _inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => _inner.GetSpan(sizeHint);

        public override void CancelPendingFlush() => _inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => _inner.Complete(exception);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            limit.FlushAsync(cancellationToken);
    }
}
