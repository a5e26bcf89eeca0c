using System.Net;

namespace Adopter.Callers;

/// <summary>The gateway's events are in the application's own log, and belong to their callers.</summary>
public sealed class ReservedTopicsTests(RunningCallers callers) : IClassFixture<RunningCallers>
{
    private readonly CallersApp _app = callers.App;
    private readonly GatewayClient _alice = new(callers.App.WithKey("id=alice"));
    private readonly HttpClient _anybody = callers.App.Anonymous();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_of_all_topics_has_the_application_s_own_alone()
    {
        var log = _app.App.Services.GetRequiredService<IEventLog>();
        await _alice.GenerateAsync();
        await _alice.AskAsync();
        await log.AppendAsync("orders.1.paid", "paid", 1, cancellationToken: Stop);

        // What was there before, and what comes.
        await using var stream = await SseReader.OpenAtAsync(_app.Server, "/all?from=earliest");
        await stream.WaitForEventsAsync(1);
        await _alice.AskAsync();
        await log.AppendAsync("orders.2.paid", "paid", 2, cancellationToken: Stop);
        await stream.WaitForEventsAsync(2);

        Assert.Equal(["paid", "paid"], stream.Events.Select(e => e.Event));
    }

    [Fact]
    public async Task A_kind_of_the_request_is_never_the_gateway_s()
    {
        var id = (await _alice.GenerateAsync()).Split('/')[^1];
        var session = await _alice.BeginSessionAsync();

        string[] paths =
        [
            $"/of/generations/{id}",
            $"/run/generations/{id}",
            $"/of/sessions/{session}",
            $"/each/generations",
            "/each/agents",
        ];
        foreach (var path in paths)
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(path));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync($"/of/orders/{id}"));
    }

    [Fact]
    public async Task Code_that_names_them_gets_them()
    {
        var id = (await _alice.GenerateAsync()).Split('/')[^1];
        await using var stream = await SseReader.OpenAtAsync(_app.Server, $"/named/{id}?from=earliest");
        await stream.WaitAsync(reader => reader.Events.Any(e => e.Event == "token"));
    }

    private async Task<HttpStatusCode> StatusAsync(string path)
    {
        using var answer = await _anybody.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, Stop);
        return answer.StatusCode;
    }
}
