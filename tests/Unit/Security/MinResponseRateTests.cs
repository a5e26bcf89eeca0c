using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.DependencyInjection;
using StreamApi.Security.Limits;
using Streaming.Opening;
using Unit.ServiceDefaults;

namespace Unit.Security;

/// <summary>The minimum speed at which a plain answer is read, over a body that takes 16 kB at once.</summary>
public sealed class MinResponseRateTests
{
    private const int Chunk = 16 * 1024,
        PerSecond = 4_096,
        Chunks = 50;
    private readonly ManualTime _time = new();

    [Fact]
    public async Task The_grace_is_given_once_not_to_each_write()
    {
        using var body = new Body();
        var writing = WriteAsync(body);

        // 29 seconds for each 16 kB are half a kilobyte a second.
        var taken = 0;
        while (await TakeAfterAsync(body, TimeSpan.FromSeconds(29)) && taken < Chunks - 1)
            taken++;

        Assert.True(body.IsAborted);
        Assert.InRange(taken, 1, 3);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public async Task A_reader_at_the_minimum_speed_gets_the_whole_answer_and_may_pause_within_the_grace()
    {
        using var body = new Body();
        var writing = WriteAsync(body);
        // A chunk may take four seconds.
        for (var taken = 0; taken < Chunks; taken++)
            Assert.True(await TakeAfterAsync(body, TimeSpan.FromSeconds(taken % 5 == 4 ? 10 : 2)));
        await writing;
    }

    [Theory]
    [InlineData("/memory")]
    [InlineData("/array")]
    [InlineData("/writer")]
    [InlineData("/unflushed")]
    [InlineData("/file")]
    public async Task An_answer_arrives_whole_however_its_endpoint_writes_it(string path)
    {
        var content = RandomNumberGenerator.GetBytes(1_000_003);
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, content, TestContext.Current.CancellationToken);

        try
        {
            await using var service = await Service.StartAsync(
                builder => builder.Services.AddSingleton(TimeProvider.System).AddOptions<LimitOptions>(),
                app =>
                {
                    MinResponseRate.Use(app);
                    app.MapGet("/memory", context => context.Response.Body.WriteAsync(content).AsTask());
                    app.MapGet("/array", context => context.Response.Body.WriteAsync(content, 0, content.Length));
                    app.MapGet("/writer", async context => await context.Response.BodyWriter.WriteAsync(content));
                    app.MapGet("/unflushed", Unflushed);
                    app.MapGet("/file", context => context.Response.SendFileAsync(file));
                }
            );
            Assert.Equal(content, await service.Outside.GetByteArrayAsync(path, TestContext.Current.CancellationToken));
        }
        finally
        {
            File.Delete(file);
        }

        Task Unflushed(HttpContext context)
        {
            context.Response.BodyWriter.Write(content);
            return Task.CompletedTask;
        }
    }

    /// <summary>The client of a stream may read slowly.</summary>
    [Fact]
    public void A_stream_is_exempt_from_the_limit_of_this_server_and_of_Kestrel()
    {
        using var body = new Body();
        var context = new DefaultHttpContext();
        var kestrel = new KestrelRate();
        var limit = new MinResponseRate(context, body, TimeSpan.FromSeconds(10), PerSecond, _time);

        context.Features.Set<IHttpResponseBodyFeature>(limit);
        context.Features.Set<IHttpMinResponseDataRateFeature>(kestrel);
        StreamResponseHeaders.Set(context);
        Assert.Same(body, context.Features.Get<IHttpResponseBodyFeature>());
        Assert.Null(kestrel.MinDataRate);

        // Another feature has wrapped the body since.
        using var wrapper = new Body();
        context.Features.Set<IHttpResponseBodyFeature>(wrapper);
        limit.DisableBuffering();
        Assert.Same(wrapper, context.Features.Get<IHttpResponseBodyFeature>());
    }

    /// <summary>Lets a client take the next chunk after a time; false if it is cut off before.</summary>
    private async Task<bool> TakeAfterAsync(Body body, TimeSpan time)
    {
        await body.WaitForChunkAsync();
        await _time.WaitForDelayAsync();
        _time.Advance(time);
        body.Take();
        return !body.IsAborted;
    }

    private async Task WriteAsync(Body body)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpRequestLifetimeFeature>(body);
        var limit = new MinResponseRate(context, body, TimeSpan.FromSeconds(10), PerSecond, _time);
        var chunk = new byte[Chunk];
        for (var i = 0; i < Chunks; i++)
            await limit.Stream.WriteAsync(chunk, body.RequestAborted);
    }

    private sealed class KestrelRate : IHttpMinResponseDataRateFeature
    {
        public MinDataRate? MinDataRate { get; set; } = new(PerSecond, TimeSpan.FromSeconds(10));
    }

    /// <summary>A response whose writes wait for the client.</summary>
    private sealed class Body : IHttpResponseBodyFeature, IHttpRequestLifetimeFeature, IDisposable
    {
        private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 0));
        private readonly CancellationTokenSource _aborted = new();
        private ReadResult _read;

        public bool IsAborted => _aborted.IsCancellationRequested;
        public CancellationToken RequestAborted
        {
            get => _aborted.Token;
            set => throw new NotSupportedException();
        }
        public Stream Stream => Writer.AsStream();
        public PipeWriter Writer => _pipe.Writer;

        public async Task WaitForChunkAsync() =>
            _read = await _pipe.Reader.ReadAtLeastAsync(Chunk, TestContext.Current.CancellationToken);

        public void Take() => _pipe.Reader.AdvanceTo(_read.Buffer.End);

        public void Abort() => _aborted.Cancel();

        public void Dispose() => _aborted.Dispose();

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task CompleteAsync() => Task.CompletedTask;

        public void DisableBuffering() { }

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
