using System.Text;
using Harness;
using Streaming.Connections;

namespace Core.Streaming;

public sealed class PushStreamTests
{
    [Fact]
    public async Task A_stream_ends_if_its_writes_wait_too_long_in_total_although_each_succeeds()
    {
        var output = new SlowOutput();
        using var push = new PushStream(
            "id",
            Client,
            [],
            output,
            new SseOptions(),
            new PushSettings(Bare: true, MaxStall: TimeSpan.FromMilliseconds(200)),
            TimeProvider.System
        )
        {
            Deadlines = LoopStream.Deadlines(TimeProvider.System.Milliseconds()),
        };
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
        using var push = Stream(output);
        await push.RunAsync(
            async (stream, stopped) =>
            {
                await stream.WriteAsync("begun "u8.ToArray());
                if (end == EndReason.Complete)
                    return;
                stream.RequestEnd(end);
                await Task.Delay(Timeout.Infinite, stopped);
            }
        );
        Assert.Equal((end, sent), (push.End, output.Text));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_stream_that_ends_while_a_heartbeat_is_under_way_is_complete_after_it()
    {
        var output = new GatedOutput();
        var clock = new ManualTime();
        var answer = new TaskCompletionSource();
        using var push = Stream(
            output,
            new PushSettings(Bare: true, HeartbeatSeconds: 1, Heartbeat: "beat"u8.ToArray()),
            clock
        );
        var running = push.RunAsync((_, _) => answer.Task);

        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("beat", output.Text);
        answer.SetResult();
        Assert.False(running.IsCompleted);
        output.Open();
        await running;

        Assert.Equal((EndReason.Complete, true), (push.End, output.IsComplete));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_quiet_stream_whose_heartbeat_is_not_taken_is_dead()
    {
        var clock = new ManualTime();
        var output = new StuckOutput();
        var settings = new PushSettings(Bare: true, HeartbeatSeconds: 1, Heartbeat: "beat"u8.ToArray());
        using var push = Stream(output, settings, clock);
        var running = push.RunAsync((_, stopped) => Task.Delay(Timeout.Infinite, stopped));

        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("slow", push.State);
        clock.Advance(TimeSpan.FromSeconds(new SseOptions().DeadSeconds));
        await running;
        Assert.Equal((EndReason.Dead, true), (push.End, output.IsAborted));
    }

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(TimeoutException))]
    public async Task What_the_writer_throws_is_no_fault_of_the_client(Type kind)
    {
        using var push = Stream(new KeptOutput());
        await Assert.ThrowsAsync(kind, () => push.RunAsync((_, _) => throw (Exception)Activator.CreateInstance(kind)!));
        Assert.Equal(EndReason.Failed, push.End);
    }

    [Fact]
    public async Task A_stream_whose_writer_fails_ends_for_everything_that_awaits_its_end()
    {
        using var push = Stream(new KeptOutput());
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            push.RunAsync((_, _) => throw new InvalidOperationException("The writer failed."))
        );
        Assert.Equal((EndReason.Failed, true), (push.End, push.Ended.IsCompleted));
    }

    [Fact]
    public async Task A_stop_that_makes_the_writer_fail_is_an_end_like_any_other()
    {
        var output = new KeptOutput();
        using var push = Stream(output);
        await push.RunAsync(
            (stream, _) =>
            {
                stream.RequestEnd(EndReason.Closed);
                throw new HttpRequestException("The read was cut off.");
            }
        );
        Assert.Equal((EndReason.Closed, "cut"), (push.End, output.Text));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_stream_with_a_grace_goes_on_that_long_after_the_server_begins_to_stop()
    {
        var clock = new ManualTime();
        var settings = new PushSettings(TimeSpan.FromSeconds(600), Bare: true);
        using var push = Stream(new KeptOutput(), settings, clock);
        var running = push.RunAsync((_, stopped) => Task.Delay(Timeout.Infinite, stopped));

        push.RequestEnd(EndReason.Drained);
        clock.Advance(TimeSpan.FromSeconds(599));
        Assert.False(running.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        await running;
        Assert.Equal(EndReason.Drained, push.End);
    }

    [Theory]
    [InlineData(EndReason.Complete, false)]
    [InlineData(EndReason.Closed, false)]
    [InlineData(EndReason.Drained, true)]
    [InlineData(EndReason.Aged, true)]
    internal async Task A_stream_begins_with_a_comment_and_ends_with_a_reconnection_time_if_its_client_shall_return(
        EndReason end,
        bool returns
    )
    {
        var output = new KeptOutput();
        using var push = Stream(output, new PushSettings(Retry: 1_234));
        await push.RunAsync(
            (stream, _) =>
            {
                if (end == EndReason.Complete)
                    return Task.CompletedTask;
                stream.RequestEnd(end);
                throw new OperationCanceledException();
            }
        );
        Assert.Equal(end, push.End);
        Assert.Equal(returns, output.Text.Contains("event: position\nretry: ", StringComparison.Ordinal));
        Assert.StartsWith(returns ? ":\nevent: " : ":\n", output.Text, StringComparison.Ordinal);
        Assert.True(output.IsComplete);
        Assert.Equal((0, 2), (push.Delivered, push.Bytes));
    }

    [Fact]
    public async Task The_first_frame_and_no_other_has_the_reconnection_time()
    {
        var output = new KeptOutput();
        using var push = Stream(output, new PushSettings(Retry: 1_234));
        await push.RunAsync(
            async (stream, _) =>
            {
                await stream.WriteAsync(": three steps\n"u8.ToArray(), events: 0);
                await stream.WriteAsync("event: step\ndata: 1\n\n"u8.ToArray());
                await stream.WriteAsync("event: step\ndata: 2\n\n"u8.ToArray());
            }
        );
        Assert.Equal(":\n: three steps\nevent: step\nretry: 1234\ndata: 1\n\nevent: step\ndata: 2\n\n", output.Text);
    }

    [Theory]
    [InlineData(EndReason.Unauthorized, "expired")]
    [InlineData(EndReason.Replaced, "replaced")]
    internal async Task A_stream_whose_right_has_ended_says_why(EndReason end, string why)
    {
        var output = new KeptOutput();
        using var push = Stream(output, new PushSettings(), expiry: Endless);
        await push.RunAsync(
            (stream, _) =>
            {
                stream.RequestEnd(end);
                throw new OperationCanceledException();
            }
        );
        Assert.Equal(end, push.End);
        Assert.Equal(
            $":\nevent: unauthorized\ndata: {{\"reason\":\"{why}\",\"expiresAt\":\"1970-01-01T00:00:00Z\"}}\n\n",
            output.Text
        );
    }

    /// <summary>First it is told that it will.</summary>
    [Fact(Timeout = 30_000)]
    public async Task A_stream_ends_with_the_right_to_read_it()
    {
        var clock = new ManualTime();
        var output = new KeptOutput();
        var expiry = Endless with { RenewAt = 0, EndsAt = clock.Milliseconds() + 3_000 };
        using var push = Stream(output, new PushSettings(Retry: 1_234), clock, expiry);
        var running = push.RunAsync((_, stopped) => Task.Delay(Timeout.Infinite, stopped));

        clock.Advance(TimeSpan.FromSeconds(3));
        await running;
        Assert.Equal(EndReason.Unauthorized, push.End);
        const string Until = "\"expiresAt\":\"1970-01-01T00:00:00Z\"}\n\n";
        Assert.Equal(
            $":\nevent: unauthorized\nretry: 1234\ndata: {{\"reason\":\"expiring\",{Until}"
                + $"event: unauthorized\ndata: {{\"reason\":\"expired\",{Until}",
            output.Text
        );
    }

    [Fact(Timeout = 30_000)]
    public async Task A_stream_of_a_vendors_frames_gets_no_other_before_it_is_cut_with_its_right()
    {
        var clock = new ManualTime();
        var output = new StuckOutput();
        var expiry = Endless with { RenewAt = 0, EndsAt = clock.Milliseconds() + 3_000 };
        using var push = Stream(output, new PushSettings(Bare: true, Breaks: true), clock, expiry);
        var running = push.RunAsync((_, stopped) => Task.Delay(Timeout.Infinite, stopped));

        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("live", push.State);
        clock.Advance(TimeSpan.FromSeconds(1));
        await running;
        Assert.Equal((EndReason.Unauthorized, true), (push.End, output.IsAborted));
    }

    [Fact(Timeout = 30_000)]
    public async Task Nothing_is_sent_after_the_right_to_read_it_between_two_ticks_either()
    {
        var clock = new ManualTime();
        var output = new KeptOutput();
        var expiry = Endless with { EndsAt = clock.Milliseconds() + 2_200 };
        using var push = Stream(output, new PushSettings(Bare: true), clock, expiry);
        clock.Advance(TimeSpan.FromSeconds(2.5));
        await push.RunAsync((stream, _) => stream.WriteAsync("late"u8.ToArray()));
        Assert.Equal((EndReason.Unauthorized, ""), (push.End, output.Text));
    }

    /// <summary>Each tick of the clock is a quiet second.</summary>
    [Theory]
    [InlineData(false, null, 0, ": heartbeat\n", 3)]
    [InlineData(false, null, 3_600, ": heartbeat\n", 0)]
    [InlineData(false, "event: ping\ndata: {}\n\n", 0, "event: ping\n", 3)]
    [InlineData(true, "event: ping\ndata: {}\n\n", 0, "event: ping\n", 3)]
    [InlineData(true, null, 0, ": heartbeat\n", 0)]
    public async Task A_quiet_stream_gets_heartbeats_of_its_own_kind(
        bool isBare,
        string? heartbeat,
        int seconds,
        string sent,
        int times
    )
    {
        var clock = new ManualTime();
        var output = new KeptOutput();
        var frame = heartbeat is null ? null : Encoding.UTF8.GetBytes(heartbeat);
        var settings = new PushSettings(HeartbeatSeconds: seconds, Bare: isBare, Heartbeat: frame);
        using var push = Stream(output, settings, clock);

        await push.RunAsync(
            (_, _) =>
            {
                clock.Advance(TimeSpan.FromSeconds(3));
                return Task.CompletedTask;
            }
        );
        Assert.Equal(times, output.Text.Split(sent).Length - 1);
    }

    [Theory]
    [InlineData(true, EndReason.ClientGone)]
    [InlineData(false, EndReason.Dead)]
    internal async Task A_stream_whose_client_takes_nothing_more_is_gone_or_dead(bool isLost, EndReason end)
    {
        var output = new LostOutput(isLost ? new IOException("The peer is gone.") : new TimeoutException());
        using var push = Stream(output);
        await push.RunAsync((stream, _) => stream.WriteAsync("data: x\n\n"u8.ToArray()));
        Assert.Equal((end, !isLost, 0L), (push.End, output.IsAborted, push.Delivered));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30 * 86_400)]
    public void Ages_are_a_tenth_around_the_option_at_most(int seconds) =>
        Assert.All(
            Enumerable
                .Range(0, 100)
                .Select(_ => MaxStreamAge.Next(new SseOptions { MaxAgeSeconds = seconds }, isSignedIn: false)),
            age => Assert.InRange(age, seconds * 900L, seconds * 1_100L)
        );

    private static readonly ExpiryTimes Endless = new(DateTimeOffset.UnixEpoch, long.MaxValue, long.MaxValue);
    private static readonly StreamClient Client = new("127.0.0.1:1", null, "/chat", "");

    private static PushStream Stream(
        PushOutput output,
        PushSettings? settings = null,
        TimeProvider? clock = null,
        ExpiryTimes? expiry = null
    ) =>
        new(
            "id",
            Client,
            [],
            output,
            new SseOptions(),
            settings ?? new PushSettings(Bare: true, CutShort: "cut"u8.ToArray()),
            clock ?? TimeProvider.System
        )
        {
            Deadlines = new(
                expiry ?? ExpiryTimes.Endless,
                (clock ?? TimeProvider.System).Milliseconds(),
                long.MaxValue,
                settings?.HeartbeatSeconds ?? 15
            ),
        };

    private sealed class KeptOutput : PushOutput
    {
        public string Text { get; private set; } = "";
        public bool IsComplete { get; private set; }

        public override Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            Text += Encoding.UTF8.GetString(bytes.Span);
            return Task.CompletedTask;
        }

        public override Task CompleteAsync()
        {
            IsComplete = true;
            return Task.CompletedTask;
        }

        public override void Abort() => Assert.Fail("The connection was aborted.");
    }

    /// <summary>A client that takes the first frame when the gate opens.</summary>
    private sealed class GatedOutput : PushOutput
    {
        private readonly TaskCompletionSource _gate = new();

        public string Text { get; private set; } = "";
        public bool IsComplete { get; private set; }

        public void Open() => _gate.SetResult();

        public override Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            Text += Encoding.UTF8.GetString(bytes.Span);
            return _gate.Task;
        }

        public override Task CompleteAsync()
        {
            IsComplete = true;
            return Task.CompletedTask;
        }

        public override void Abort() => Assert.Fail("The connection was aborted.");
    }
}
