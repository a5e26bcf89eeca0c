using System.Text;
using Streaming;
using Streaming.Connections;

namespace Unit.Streaming;

public sealed class PushStreamTests
{
    [Fact]
    public async Task A_stream_whose_writes_together_wait_too_long_is_ended_though_each_of_them_succeeds()
    {
        var output = new SlowOutput();
        await using var push = new PushStream(
            "id",
            new StreamClient("127.0.0.1:1", null, "/chat", null, default),
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
        await using var push = new PushStream(
            "id",
            new StreamClient("127.0.0.1:1", null, "/chat", null, default),
            [],
            output,
            new StreamingOptions(),
            new PushSettings(Bare: true, CutShort: "cut"u8.ToArray()),
            TimeProvider.System,
            TestContext.Current.CancellationToken
        );
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
