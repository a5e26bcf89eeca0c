namespace Adopter.Databases;

/// <summary>Services that an application adds twice.</summary>
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

    public static TheoryData<string> Names => [.. Doubles.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_second_one_is_refused_with_what_is_wrong(string what)
    {
        var builder = LogApp.Builder("Host=db", "--ConnectionStrings:redis", "cache:6379");
        var refused = Assert.Throws<InvalidOperationException>(() => Doubles[what].Add(builder));
        Assert.Contains(Doubles[what].Says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_may_be_added_again_by_what_is_built_on_them()
    {
        var builder = LogApp.Builder("Host=db");
        builder.AddEventStore("log").AddSse().AddSseRuns().AddSseRuns().AddLlmGateway();
        using var app = (IDisposable)builder.Build();
    }
}
