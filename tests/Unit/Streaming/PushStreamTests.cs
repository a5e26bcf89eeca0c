using System.Text;
using Streaming;
using Streaming.Connections;
using Unit.Client;

namespace Unit.Streaming;

public sealed class PushStreamTests
{
    [Fact]
    public async Task A_stream_ends_if_its_writes_wait_too_long_in_total_although_each_succeeds()
    {
        var output = new SlowOutput();
        await using var push = new PushStream(
            "id",
            Client,
            [],
            output,
            new StreamingOptions(),
            new PushSettings(Bare: true, MaxStall: TimeSpan.FromMilliseconds(200)),
            TimeProvider.System,
            TestContext.Current.CancellationToken
        );
        const int Answer = 1_000;
        await push.RunAsync(
            async (stream, _) =>
            {
                for (var i = 0; i < Answer; i++)
                    await stream.WriteAsync("data: x\n\n"u8.ToArray());
            }
        );
        Assert.Equal((EndReason.Dead, true), (push.End, output.IsAborted));
        Assert.InRange(push.Delivered, 0, Answer / 2);
    }

    [Theory]
    [InlineData(EndReason.Closed, "begun cut")]
    [InlineData(EndReason.Drained, "begun cut")]
    [InlineData(EndReason.Complete, "begun ")]
    internal async Task A_stream_that_ends_before_its_answer_is_complete_says_so(EndReason end, string sent)
    {
        var output = new KeptOutput();
        await using var push = Stream(output);
        await push.RunAsync(
            async (stream, stopped) =>
            {
                await stream.WriteAsync("begun "u8.ToArray());
                if (end == EndReason.Complete)
                    return;
                stream.Stop(end);
                await Task.Delay(Timeout.Infinite, stopped);
            }
        );
        Assert.Equal((end, sent), (push.End, output.Text));
    }

    [Fact]
    public async Task A_stream_whose_writer_fails_ends_for_everything_that_awaits_its_end()
    {
        await using var push = Stream(new KeptOutput());
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            push.RunAsync((_, _) => throw new InvalidOperationException("The writer failed."))
        );
        Assert.Equal((EndReason.Failed, true), (push.End, push.Ended.IsCompleted));
    }

    [Fact]
    public async Task A_stop_that_makes_the_writer_fail_is_an_end_like_any_other()
    {
        var output = new KeptOutput();
        await using var push = Stream(output);
        await push.RunAsync(
            (stream, _) =>
            {
                stream.Stop(EndReason.Closed);
                throw new HttpRequestException("The read was cut off.");
            }
        );
        Assert.Equal((EndReason.Closed, "cut"), (push.End, output.Text));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_stream_that_has_reached_its_age_ends()
    {
        var clock = new ManualTime();
        await using var push = Stream(new KeptOutput(), new PushSettings(), clock, maxAge: 0);
        var running = push.RunAsync((_, stopped) => Task.Delay(Timeout.Infinite, stopped));
        clock.Advance(TimeSpan.FromSeconds(1));
        await running;
        Assert.Equal(EndReason.Aged, push.End);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_stream_with_a_grace_goes_on_that_long_after_the_server_begins_to_stop()
    {
        var clock = new ManualTime();
        var settings = new PushSettings(TimeSpan.FromSeconds(600), Bare: true);
        await using var push = Stream(new KeptOutput(), settings, clock);
        var running = push.RunAsync((_, stopped) => Task.Delay(Timeout.Infinite, stopped));
        push.Stop(EndReason.Drained);
        clock.Advance(TimeSpan.FromSeconds(599));
        Assert.False(running.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        await running;
        Assert.Equal(EndReason.Drained, push.End);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30 * 86_400)]
    public void Ages_are_a_tenth_around_the_option_at_most(int seconds) =>
        Assert.All(
            Enumerable.Range(0, 100).Select(_ => new StreamingOptions { MaxAgeSeconds = seconds }.NextMaxAge()),
            age => Assert.InRange(age, seconds * 900L, seconds * 1_100L)
        );

    private static readonly StreamClient Client = new("127.0.0.1:1", null, "/chat", null, default);

    private static PushStream Stream(
        PushOutput output,
        PushSettings? settings = null,
        TimeProvider? clock = null,
        long maxAge = long.MaxValue
    ) =>
        new(
            "id",
            Client,
            [],
            output,
            new StreamingOptions(),
            settings ?? new PushSettings(Bare: true, CutShort: "cut"u8.ToArray()),
            clock ?? TimeProvider.System,
            TestContext.Current.CancellationToken
        )
        {
            MaxAge = maxAge,
        };

    private sealed class KeptOutput : PushOutput
    {
        public string Text { get; private set; } = "";

        public override Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            Text += Encoding.UTF8.GetString(bytes.Span);
            return Task.CompletedTask;
        }

        public override void Abort() => Assert.Fail("The connection was aborted.");
    }

    /// <summary>A client that takes a frame every twenty milliseconds.</summary>
    private sealed class SlowOutput : PushOutput
    {
        public bool IsAborted { get; private set; }

        public override Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
            Task.Delay(20, cancellationToken);

        public override void Abort() => IsAborted = true;
    }
}
