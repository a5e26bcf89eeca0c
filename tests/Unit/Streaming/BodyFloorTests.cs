using System.IO.Pipelines;
using Harness;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using MinDataRate = Microsoft.AspNetCore.Server.Kestrel.Core.MinDataRate;

namespace Unit.Streaming;

public sealed class BodyFloorTests
{
    private const int Enough = 64 * 1024;

    private readonly ManualTime _time = new();
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
    private readonly BodyFloor _floor;

    public BodyFloorTests() => _floor = new BodyFloor(BodyContext.Of(_pipe.Reader, _time));

    [Fact]
    public async Task A_body_that_brought_much_at_once_has_to_bring_more_every_ten_seconds()
    {
        await SendAsync(4 * Enough);
        var held = await ReadAsync(0);

        var next = ReadAsync(held);
        _time.Advance(TimeSpan.FromSeconds(10));
        var refused = await Assert.ThrowsAsync<BadHttpRequestException>(() => next);

        Assert.Equal(StatusCodes.Status408RequestTimeout, refused.StatusCode);
    }

    [Fact]
    public async Task Single_bytes_do_not_keep_a_large_body()
    {
        await SendAsync(Enough);
        var held = await ReadAsync(0);

        for (var second = 1; second < 10; second++)
            held = await ReadOnAsync(held, bytes: 1, after: TimeSpan.FromSeconds(1));

        var last = ReadAsync(held);
        _time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<BadHttpRequestException>(() => last);
    }

    [Fact]
    public async Task A_slow_body_that_brings_enough_is_read_however_long_it_takes()
    {
        await SendAsync(Enough);
        var held = await ReadAsync(0);
        for (var window = 0; window < 20; window++)
            held = await ReadOnAsync(held, Enough, after: TimeSpan.FromSeconds(9));
        Assert.Equal(21 * Enough, held);
    }

    [Fact]
    public async Task A_small_body_may_take_its_time()
    {
        await SendAsync(Enough - 1);
        var held = await ReadAsync(0);
        Assert.Equal(Enough, await ReadOnAsync(held, bytes: 1, after: TimeSpan.FromHours(1)));
    }

    /// <summary>Kestrel's rate: 240 bytes per second, after five.</summary>
    [Theory]
    [InlineData("HTTP/2", 100, 5)]
    [InlineData("HTTP/3", 100, 5)]
    [InlineData("HTTP/2", 2_400, 10)]
    [InlineData("HTTP/2", Enough, 10)]
    public async Task A_body_keeps_the_rate_of_Kestrel_where_that_would_end_its_connection(
        string protocol,
        int bytes,
        int seconds
    )
    {
        var kestrel = new KestrelRate();
        var context = BodyContext.Of(_pipe.Reader, _time, protocol);
        context.Features.Set<IHttpMinRequestBodyDataRateFeature>(kestrel);
        var floor = new BodyFloor(context);
        Assert.Null(kestrel.MinDataRate);

        await SendAsync(bytes);
        var first = await floor.ReadAsync(0, TestContext.Current.CancellationToken);
        _pipe.Reader.AdvanceTo(first.Buffer.Start, first.Buffer.End);

        var next = floor.ReadAsync(bytes, TestContext.Current.CancellationToken).AsTask();
        _time.Advance(TimeSpan.FromSeconds(seconds - 1));
        Assert.False(next.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<BadHttpRequestException>(() => next);
    }

    [Fact]
    public async Task A_client_that_goes_is_not_late()
    {
        await SendAsync(Enough);
        var held = await ReadAsync(0);
        using var gone = new CancellationTokenSource();
        var next = _floor.ReadAsync(held, gone.Token).AsTask();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }

    private async Task SendAsync(int bytes) =>
        await _pipe.Writer.WriteAsync(new byte[bytes], TestContext.Current.CancellationToken);

    private async Task<long> ReadOnAsync(long held, int bytes, TimeSpan after)
    {
        var next = ReadAsync(held);
        _time.Advance(after);
        await SendAsync(bytes);
        return await next;
    }

    /// <summary>Reads, and consumes nothing.</summary>
    private async Task<long> ReadAsync(long held)
    {
        var read = await _floor.ReadAsync(held, TestContext.Current.CancellationToken);
        var length = read.Buffer.Length;
        _pipe.Reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        return length;
    }

    private sealed class KestrelRate : IHttpMinRequestBodyDataRateFeature
    {
        public MinDataRate? MinDataRate { get; set; } = new(240, TimeSpan.FromSeconds(5));
    }
}
