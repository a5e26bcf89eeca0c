using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Streaming.Endpoints;

namespace StreamApi.Security.Limits;

/// <summary>
/// The least speed at which an answer must be read, or its request is aborted. Streams are exempt: a reader of theirs
/// is judged by
/// <c>Streaming:DeadSeconds</c>. Kestrel's own limit cannot do this: on HTTP/2 it is one for all streams of a
/// connection.
/// </summary>
internal sealed class MinResponseRate(
    HttpContext context,
    IHttpResponseBodyFeature inner,
    TimeSpan grace,
    int perSecond,
    TimeProvider clock
) : IHttpResponseBodyFeature, IResponseRateFeature
{
    /// <summary>Written at once, so that progress is seen.</summary>
    private const int ChunkBytes = 16 * 1024;

    /// <summary>Kestrel holds this much before it waits for the reader
    /// (KestrelServerLimits.MaxResponseBufferSize).</summary>
    private const int BufferedBytes = 64 * 1024;

    private PacedStream? _stream;
    private PacedWriter? _writer;

    public Stream Stream => _stream ??= new PacedStream(this);
    public PipeWriter Writer => _writer ??= new PacedWriter(this);

    /// <summary>Watches every answer that does not say that it is a stream.</summary>
    public static void Use(WebApplication app)
    {
        var (limits, clock) = (
            app.Services.GetRequiredService<IOptions<LimitOptions>>().Value,
            app.Services.GetRequiredService<TimeProvider>()
        );
        var (grace, perSecond) = (TimeSpan.FromSeconds(limits.ResponseGraceSeconds), limits.MinResponseBytesPerSecond);
        var rate = new MinDataRate(perSecond, grace);
        app.Use(
            async (context, next) =>
            {
                var inner = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
                var pace = new MinResponseRate(context, inner, grace, perSecond, clock);
                context.Features.Set<IHttpResponseBodyFeature>(pace);
                context.Features.Set<IResponseRateFeature>(pace);
                // What Kestrel still holds when the answer is complete, HTTP/1.1 only: on HTTP/2 a write ends when it
                // was sent.
                if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } feature)
                    feature.MinDataRate = rate;
                await next(context);
                if (
                    ReferenceEquals(context.Features.Get<IHttpResponseBodyFeature>(), pace)
                    && inner.Writer is { CanGetUnflushedBytes: true, UnflushedBytes: > 0 }
                )
                    await pace.FlushAsync(context.RequestAborted);
            }
        );
    }

    /// <summary>The answer is a stream: it may be read as slowly as its client likes.</summary>
    public void Disable()
    {
        if (context.Features.Get<IHttpResponseBodyFeature>() == this)
            context.Features.Set(inner);
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } feature)
            feature.MinDataRate = null;
    }

    public void DisableBuffering() => inner.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => inner.StartAsync(cancellationToken);

    public Task CompleteAsync() => inner.CompleteAsync();

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);

    private IHttpResponseBodyFeature Inner => inner;

    private ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken)
    {
        var bytes = inner.Writer.CanGetUnflushedBytes ? inner.Writer.UnflushedBytes : ChunkBytes;
        var flush = inner.Writer.FlushAsync(cancellationToken);
        return flush.IsCompleted ? flush : new ValueTask<FlushResult>(TimedAsync(flush.AsTask(), bytes));
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        do
        {
            var chunk = bytes[..Math.Min(bytes.Length, ChunkBytes)];
            var write = inner.Stream.WriteAsync(chunk, cancellationToken);
            if (write.IsCompletedSuccessfully)
                write.GetAwaiter().GetResult();
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
        // Only a reader that is behind costs a timer.
        var due = grace + TimeSpan.FromSeconds((double)(BufferedBytes + bytes) / perSecond);
        await using var late = clock.CreateTimer(_ => context.Abort(), null, due, Timeout.InfiniteTimeSpan);
        return await write;
    }

    private sealed class PacedStream(MinResponseRate pace) : Stream
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
        ) => new(pace.WriteAsync(buffer, cancellationToken));

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            pace.WriteAsync(buffer.AsMemory(offset, count), cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) =>
            pace.FlushAsync(cancellationToken).AsTask();

        public override void Flush() => throw new NotSupportedException("Answers are written asynchronously.");

        public override void Write(byte[] buffer, int offset, int count) =>
            throw new NotSupportedException("Answers are written asynchronously.");

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }

    private sealed class PacedWriter(MinResponseRate pace) : PipeWriter
    {
        private readonly PipeWriter _inner = pace.Inner.Writer;

        public override bool CanGetUnflushedBytes => _inner.CanGetUnflushedBytes;
        public override long UnflushedBytes => _inner.UnflushedBytes;

        public override void Advance(int bytes) => _inner.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => _inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => _inner.GetSpan(sizeHint);

        public override void CancelPendingFlush() => _inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => _inner.Complete(exception);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            pace.FlushAsync(cancellationToken);
    }
}
