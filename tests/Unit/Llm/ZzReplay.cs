using System.Diagnostics;
using EventStore;
using LlmGateway.Dialects.Responses;
using LlmGateway.Generations;
using Microsoft.Extensions.AI;
using Runs;

namespace Unit.Llm;

public sealed class ZzReplay
{
    [Fact]
    public void Measure()
    {
        var updates = Enumerable
            .Range(0, 15_000)
            .Select(i => new ChatResponseUpdate(ChatRole.Assistant, "a few words of text"))
            .ToList();
        for (var round = 0; round < 6; round++)
            foreach (var write in (bool[])[false, true])
            {
                var response = new ResponsesResponse(
                    new RunHead(
                        new RunName(Generator.Kind, new string('1', 32)),
                        new StreamPosition("e", 1),
                        DateTimeOffset.UnixEpoch,
                        "demo",
                        "demo"
                    ),
                    null
                );
                var start = Stopwatch.GetTimestamp();
                long bytes = 0,
                    n = 0;
                foreach (var update in updates)
                foreach (var frame in response.Take(update))
                {
                    n++;
                    if (write)
                        bytes += ResponsesFormat.Instance.Frame(frame).Length;
                }
                TestContext.Current.TestOutputHelper!.WriteLine(
                    $"write {write}: {n} frames {bytes} bytes {Stopwatch.GetElapsedTime(start).TotalMilliseconds:f1} ms"
                );
            }
        Assert.Fail("measured");
    }
}
