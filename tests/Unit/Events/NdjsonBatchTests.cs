using Harness;
using Microsoft.AspNetCore.Http;
using StreamApi.Events;
using Unit.Streaming;

namespace Unit.Events;

/// <summary>The cost of the lines of an NDJSON request.</summary>
public sealed class NdjsonBatchTests
{
    private const int KilobytesPerSecond = 16;

    private readonly ManualTime _time = new();

    /// <summary>Between blank lines there may be megabytes of chunk extensions (RFC 9112 §7.1.1), which no turn sees.
    /// </summary>
    [Fact]
    public async Task After_blank_lines_beyond_the_rate_the_body_waits_for_the_rate()
    {
        var batch = await BeyondRateAsync();
        batch.AddBlank(bytes: 1);

        var read = batch.ReceiveAsync(4, isLong: false);
        Assert.False(read.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(3));
        await read;
    }

    [Fact]
    public async Task Events_beyond_the_rate_do_not_wait_for_it()
    {
        var batch = await BeyondRateAsync();
        await batch.ReceiveAsync(4 * 1_024, isLong: false);
    }

    private async Task<NdjsonBatch> BeyondRateAsync()
    {
        var budget = Budgets.Of(KilobytesPerSecond, _time);
        var batch = new NdjsonBatch(null!, budget, _time, new DefaultHttpContext(), maxBytes: 1_000_000);
        await batch.ReceiveAsync(3 * KilobytesPerSecond * 1_024, isLong: false);
        batch.EndTurn();
        return batch;
    }
}
