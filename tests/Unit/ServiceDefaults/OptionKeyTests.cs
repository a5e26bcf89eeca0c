using Broadcaster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ServiceDefaults.OptionKeys;
using StreamApi;
using Streaming.Endpoints;
using WebFrontend;

namespace Unit.ServiceDefaults;

/// <summary>The names of the settings with which a service starts.</summary>
public sealed class OptionKeyTests
{
    [Theory]
    [InlineData("StreamApi", "Limits:PublishPerSecond", "Limits:PublishesPerSecond")]
    [InlineData("StreamApi", "aspiresse:llm:generationperminute", "AspireSse:Llm:GenerationsPerMinute")]
    [InlineData("StreamApi", "AspireSse:Streaming:DeadSeconds:Sse", "AspireSse:Streaming:DeadSeconds")] // below a value
    [InlineData("StreamApi", "Security:ApiKeys:7:Subscription:0", "Security:ApiKeys:7:Subscribe:0")]
    [InlineData("StreamApi", "Security:IsConfigured", "Security:")] // computed
    [InlineData("StreamApi", "Security:ApiKeys", "Security:")] // a value in place of a list
    [InlineData("StreamApi", "AspireSse:Llm:Providers:OpenAy:ApiKey", "AspireSse:Llm:Providers:OpenAi:ApiKey")]
    [InlineData("StreamApi", "AspireSse:Llm:PingSeconds", "AspireSse:")] // a constant
    [InlineData("StreamApi", "AspireSse:Llm:Providers:Local:QueueSeconds", "AspireSse:Llm:Providers:")] // likewise
    [InlineData("StreamApi", "AspireSse:Pools:Ssse", "AspireSse:Pools:Sse")]
    [InlineData("StreamApi", "Cors:AllowedOrigin:0", "Cors:AllowedOrigins:0")]
    [InlineData("StreamApi", "Telemetry:Prometheus:Uri", "Telemetry:Prometheus:Url")]
    [InlineData("Broadcaster", "AspireSse:EventStore:MaxAgeDays", "AspireSse:EventStore:MaxAge")]
    [InlineData("Broadcaster", "AspireSse:Relay:LeaseSeconds", "AspireSse:Relay:LeaseMilliseconds")]
    [InlineData("Broadcaster", "AspireSse:Relay:Nope", "AspireSse:Relay:")]
    [InlineData("WebFrontend", "SignIn:Enable", "SignIn:Enabled")]
    [InlineData("WebFrontend", "StreamApi:Key", "StreamApi:ApiKey")]
    public async Task A_key_that_no_option_has_stops_the_start_with_the_nearest_name(
        string service,
        string key,
        string nearest
    )
    {
        var refused = await RefusalAsync(service, $"--{key}=5");
        Assert.NotNull(refused);
        Assert.StartsWith($"{key} is no option; the nearest name is {nearest}", refused, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("StreamApi", "AspireSse:Llm:GenerationsPerMinute", "5")] // beside the other class of its section
    [InlineData("StreamApi", "AspireSse:Runs:DrainSeconds", "5")]
    [InlineData("StreamApi", "streaming:maxconnections", "5")]
    [InlineData("StreamApi", "Security:ApiKeys", "")] // [] in a file
    [InlineData("StreamApi", "Security:Proxies:100", "10.0.0.0/8")]
    [InlineData("StreamApi", "AspireSse:Llm:Providers:Local:Models:0", "m")]
    [InlineData("StreamApi", "AspireSse:Pools:Tasks", "5")]
    [InlineData("StreamApi", "AspireSse:Relay:LeaseSeconds", "5")] // another service's, in a shared environment
    [InlineData("StreamApi", "Kestrel:Limits:Foo", "5")]
    [InlineData("StreamApi", "Logging:LogLevel:Foo", "Debug")]
    [InlineData("StreamApi", "Events", "5")] // a variable that happens to have the name
    [InlineData("Broadcaster", "Limits:Foo", "5")]
    [InlineData("WebFrontend", "AspireSse:EventStore:Foo", "5")]
    public async Task Known_keys_and_sections_of_others_do_not_stop_it(string service, string key, string value) =>
        Assert.Null(await RefusalAsync(service, $"--{key}={value}"));

    [Theory]
    [InlineData("mine", true)]
    [InlineData("another", false)]
    public void A_chat_client_that_the_host_registers_is_a_provider_with_options(string key, bool isKnown)
    {
        var services = new ServiceCollection();
        services.AddKeyedSingleton<IChatClient>("mine", (_, _) => throw new NotSupportedException());
        var known = new KnownKeys(StreamApiOptions.Sections(services).SelectMany(section => section.Keys()));

        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create($"AspireSse:Llm:Providers:{key}:MaxConcurrent", (string?)"5")])
            .Build();
        Assert.Equal(isKnown, !known.Unknown(configuration).Any());
    }

    [Fact]
    public async Task Every_pool_of_an_endpoint_may_have_a_size()
    {
        await using var app = Build("StreamApi");
        var pools = ((IEndpointRouteBuilder)app)
            .DataSources.SelectMany(source => source.Endpoints)
            .Select(endpoint => endpoint.Metadata.GetMetadata<StreamPool>()?.Name)
            .OfType<string>()
            .Distinct();

        Assert.Equal(
            pools.Select(name => $"AspireSse:Pools:{name}").Order(),
            StreamApiOptions
                .Sections(new ServiceCollection())
                .Select(section => section.Path)
                .Where(path => path.StartsWith("AspireSse:Pools:", StringComparison.Ordinal))
                .Order()
        );
    }

    private static async Task<string?> RefusalAsync(string service, params string[] settings)
    {
        try
        {
            await using var app = Build(service, settings);
            return null;
        }
        catch (OptionsValidationException e)
        {
            return e.Message;
        }
    }

    private static WebApplication Build(string service, params string[] settings)
    {
        string[] all =
        [
            "--environment=Development",
            $"--applicationName={service}",
            "--ConnectionStrings:eventstore=Host=127.0.0.1",
            "--ConnectionStrings:redis=127.0.0.1:1",
            .. settings,
        ];
        return service switch
        {
            "StreamApi" => StreamApiApplication.Build(all),
            "Broadcaster" => BroadcasterApplication.Build(all),
            _ => WebFrontendApplication.Build([.. all, "--StreamApi:PublicUrl=http://127.0.0.1:1"]),
        };
    }
}
