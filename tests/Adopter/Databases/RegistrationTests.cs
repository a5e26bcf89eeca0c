using System.Net;
using Harness;

namespace Adopter.Databases;

/// <summary>Services that an application adds twice, or without those that they need.</summary>
public sealed class RegistrationTests
{
    private static readonly Dictionary<string, (Action<WebApplicationBuilder> Add, string Says)> Doubles = new()
    {
        ["the log"] = (builder => builder.AddEventStore("log").AddEventStore("log"), "a process has one"),
        ["two logs"] = (builder => builder.AddEventStore("log").AddEventStore("other"), "a process has one"),
        ["a log beside one in memory"] = (
            builder => builder.AddInMemoryEventLog().AddEventStore("log"),
            "call AddEventStore or AddInMemoryEventLog once"
        ),
        ["a log in memory beside one"] = (
            builder => builder.AddEventStore("log").AddInMemoryEventLog(),
            "call AddEventStore or AddInMemoryEventLog once"
        ),
        ["the streams"] = (builder => builder.AddEventStore("log").AddSse().AddSse(), "call AddSse once"),
        ["the streams by Redis"] = (
            builder => builder.AddEventStore("log").AddSse().AddSse(redis: "redis"),
            "call AddSse once"
        ),
        ["the Broadcaster"] = (
            builder => builder.AddEventStore("log").AddSseBroadcaster().AddSseBroadcaster(),
            "call AddSseBroadcaster once"
        ),
        ["the gateway"] = (
            builder => builder.AddEventStore("log").AddSse().AddLlmGateway().AddLlmGateway(),
            "call AddLlmGateway once"
        ),
    };

    private static readonly Dictionary<string, (Action<WebApplicationBuilder> Add, string Says)> Incomplete = new()
    {
        ["the streams without a log"] = (builder => builder.AddSse(), "call AddEventStore(…) before"),
        ["a Broadcaster without a log"] = (builder => builder.AddSseBroadcaster(), "call AddEventStore(…) before"),
        ["a Broadcaster of a log in memory"] = (
            builder => builder.AddInMemoryEventLog().AddSseBroadcaster(),
            "call AddEventStore(…) before"
        ),
        ["runs without streams"] = (builder => builder.AddEventStore("log").AddSseRuns(), "call AddSse(…) before"),
        ["the gateway without streams"] = (
            builder => builder.AddEventStore("log").AddLlmGateway(),
            "call AddSse(…) before"
        ),
        ["the gateway's endpoints alone"] = (
            builder => builder.Build().MapLlmGateway(),
            "call AddLlmGateway(…) on its builder"
        ),
        ["tickets alone"] = (builder => builder.Build().MapSseTickets(), "call AddEventStore(…)"),
    };

    public static TheoryData<string> Names => [.. Doubles.Keys];

    public static TheoryData<string> IncompleteNames => [.. Incomplete.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_second_one_is_refused_with_what_is_wrong(string what)
    {
        var builder = LogApp.Builder("Host=db", "--ConnectionStrings:redis", "cache:6379");
        var refused = Assert.Throws<InvalidOperationException>(() => Doubles[what].Add(builder));
        Assert.Contains(Doubles[what].Says, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(IncompleteNames))]
    public void What_needs_another_call_names_it(string what)
    {
        var builder = LogApp.Builder("Host=db", "--ConnectionStrings:redis", "cache:6379");
        var refused = Assert.Throws<InvalidOperationException>(() => Incomplete[what].Add(builder));
        Assert.Contains(Incomplete[what].Says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_without_its_services_says_which_are_missing()
    {
        var stop = TestContext.Current.CancellationToken;
        var builder = LogApp.Builder("Host=db");
        builder.AddInMemoryEventLog();
        using var log = new WarningLines();
        builder.Logging.AddProvider(log);
        await using var app = builder.Build();
        app.MapGet("/events", () => TypedResults.EventStream("orders")).AllowAnonymous();

        await app.StartAsync(stop);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var answer = await client.GetAsync("/events", stop);
        await app.StopAsync(stop);

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Contains("call AddSse(…)", await answer.Content.ReadAsStringAsync(stop), StringComparison.Ordinal);
        Assert.Contains(log.Texts, text => text.Contains("call AddSse(…)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_run_without_its_services_says_which_are_missing()
    {
        var stop = TestContext.Current.CancellationToken;
        var builder = LogApp.Builder("Host=db");
        builder.AddInMemoryEventLog().AddSse();
        await using var app = builder.Build();
        var error = "";
        app.Use(
            async (context, next) =>
            {
                try
                {
                    await next(context);
                }
                catch (InvalidOperationException e)
                {
                    error = e.Message;
                    context.Response.StatusCode = StatusCodes.Status500InternalServerError;
                }
            }
        );
        app.MapGet("/run", () => TypedResults.RunStream("answers.1")).AllowAnonymous();

        await app.StartAsync(stop);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var answer = await client.GetAsync("/run", stop);
        await app.StopAsync(stop);

        Assert.Contains("call AddSseRuns(…)", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_may_be_added_again_by_what_is_built_on_them()
    {
        var builder = LogApp.Builder("Host=db");
        builder.AddEventStore("log").AddSse().AddSseRuns().AddSseRuns().AddLlmGateway();
        using var app = (IDisposable)builder.Build();
    }
}
