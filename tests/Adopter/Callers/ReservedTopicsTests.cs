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

    [Fact]
    public async Task A_kind_of_the_request_neither_cancels_nor_forges_the_gateway_s_runs()
    {
        var services = _app.App.Services;
        var (runs, log) = (services.GetRequiredService<IRuns>(), services.GetRequiredService<IEventLog>());
        var path = await _alice.GenerateAsync();
        var kind = "generations";
        var id = path.Split('/')[^1];

        Assert.False(await runs.CancelAsync($"{kind}.{id}", Stop));
        await Assert.ThrowsAsync<ArgumentException>(() =>
            runs.StartAsync($"{kind}.{Guid.NewGuid():N}", (_, _) => Task.CompletedTask, Stop)
        );
        await Assert.ThrowsAsync<ArgumentException>(() =>
            log.AppendAsync($"{kind}.{id}", "token", new { text = "forged" }, cancellationToken: Stop)
        );
        Assert.Throws<ArgumentException>(() => new EventFilter([$"{kind}.{id}"]));
        Assert.Throws<ArgumentException>(() => TypedResults.StartedRunStream(kind, (_, _) => Task.CompletedTask));
    }

    [Fact]
    public async Task A_stream_that_names_one_of_them_has_no_others_by_a_wide_pattern()
    {
        var id = (await _alice.GenerateAsync()).Split('/')[^1];
        Assert.Equal(HttpStatusCode.InternalServerError, await StatusAsync($"/mixed/{id}"));
    }

    [Fact]
    public async Task Another_application_of_the_log_without_a_gateway_does_not_show_them_either()
    {
        var id = (await _alice.GenerateAsync()).Split('/')[^1];
        var builder = WebApplication.CreateBuilder([
            "--urls=http://127.0.0.1:0",
            "--environment=Production",
            "--Logging:LogLevel:Default=Warning",
            $"--ConnectionStrings:log={_app.ConnectionString}",
        ]);
        builder.AddEventStore("log");
        builder.AddSse();
        await using var other = builder.Build();
        other
            .MapGet("/all", () => TypedResults.EventStream([EventTopic.Pattern(">")], format: EventFormat.Envelope))
            .AllowAnonymous();
        other
            .MapGet("/of/{kind}/{id}", (string kind, string id) => TypedResults.EventStream($"{kind}.{id}"))
            .AllowAnonymous();
        await other.StartAsync(Stop);
        var server = new Uri(other.Urls.Single());

        await using var all = await SseReader.OpenAtAsync(server, "/all?from=earliest");
        await _app
            .App.Services.GetRequiredService<IEventLog>()
            .AppendAsync("orders.3.paid", "paid", 3, cancellationToken: Stop);
        await all.WaitAsync(reader => reader.Events.Any(e => e.Data!.Contains("orders.3.paid")));
        Assert.DoesNotContain(all.Events, e => e.Data!.Contains("generations."));

        using var asked = await _anybody.GetAsync(new Uri(server, $"/of/generations/{id}"), Stop);
        Assert.Equal(HttpStatusCode.NotFound, asked.StatusCode);
    }

    private async Task<HttpStatusCode> StatusAsync(string path)
    {
        using var answer = await _anybody.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, Stop);
        return answer.StatusCode;
    }
}
