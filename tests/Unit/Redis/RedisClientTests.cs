using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;
using Unit.ServiceDefaults;

namespace Unit.Redis;

public class RedisClientTests(RedisProgram program) : IClassFixture<RedisProgram>
{
    [Fact]
    public async Task A_service_starts_and_is_only_degraded_without_Redis()
    {
        using var silent = Silent(out var address);
        silent.Stop();
        await using var service = await StartAsync(address);
        Assert.Contains("\"Degraded\"", await HealthAsync(service), StringComparison.Ordinal);
        Assert.False(Connection(service).IsConnected);
    }

    [Fact]
    public async Task With_a_silent_Redis_the_service_starts_is_degraded_and_stops()
    {
        using var frozen = Silent(out var address);
        await using var service = await StartAsync(address);
        Assert.Contains("\"Degraded\"", await HealthAsync(service), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_is_opened_without_being_asked_for()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis.Address);
        await Eventually.HoldsAsync(() => service.Services.GetRequiredService<RedisLink>().IsConnected);
    }

    /// <summary>Opening blocks: a service that needs the connection at construction would delay the start while Redis
    /// is silent.</summary>
    [Fact]
    public void No_service_takes_the_connection_itself_in_its_constructor()
    {
        var types = typeof(StreamApi.Migration).Assembly.GetTypes();
        Assert.Contains(types, t => Needs(t, typeof(RedisLink)));
        Assert.DoesNotContain(types, t => Needs(t, typeof(IConnectionMultiplexer)));

        static bool Needs(Type type, Type needed) =>
            type.GetConstructors().Any(c => c.GetParameters().Any(p => p.ParameterType == needed));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_frozen_Redis_makes_a_service_degraded_until_it_thaws()
    {
        await using var redis = program.Start();
        await using var service = await StartAsync(redis.Address);
        await HealthIsAsync(service, "Healthy");
        redis.Freeze();
        await HealthIsAsync(service, "Degraded");
        redis.Thaw();
        await HealthIsAsync(service, "Healthy");
    }

    [Fact]
    public async Task A_missing_address_fails_the_start_and_names_the_setting()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            Service.StartAsync(builder => builder.AddRelayRedis())
        );
        Assert.Contains("ConnectionStrings__redis", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("password=hidden", "names no server")]
    [InlineData("a:port,password=hidden", "not host:port")]
    [InlineData("a:1,b:port,password=hidden", "not host:port")]
    [InlineData("a:70000,password=hidden", "not host:port")]
    [InlineData("a:1,keepAlive=hidden", "'keepAlive'")]
    [InlineData("a:1,passwort=hidden", "'passwort'")]
    [InlineData("a:1;b:1,password=hidden", "semicolon")]
    [InlineData("redis://:hidden@a:1/0", "It is a URI")]
    [InlineData("rediss://user:hidden@a:1", "It is a URI")]
    [InlineData("redis://a", "It is a URI")]
    public async Task A_wrong_address_fails_the_start_and_says_why_without_its_password(string text, string why = "")
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(text));
        Assert.Contains("ConnectionStrings__redis", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_callers_options_have_the_last_word()
    {
        using var silent = Silent(out var address);
        await using var service = await Service.StartAsync(builder =>
            builder.AddRelayRedis(
                configureSettings: settings => settings.ConnectionString = address,
                configureOptions: options => options.ClientName = "by hand"
            )
        );

        var redis = await Task.Run(() => Connection(service), TestContext.Current.CancellationToken);
        Assert.Equal("by hand", redis.ClientName);
    }

    private static IConnectionMultiplexer Connection(Service service) =>
        service.Services.GetRequiredKeyedService<IConnectionMultiplexer>(RelayRedis.Key);

    private static TcpListener Silent(out string address)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        address = $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        return listener;
    }

    private static Task<Service> StartAsync(string address) =>
        Service.StartAsync(builder => builder.AddRelayRedis(), null, ("ConnectionStrings:redis", address));

    private static Task HealthIsAsync(Service service, string status) =>
        Eventually.HoldsAsync(async () =>
            (await HealthAsync(service)).StartsWith("{\"status\":\"" + status, StringComparison.Ordinal)
        );

    private static async Task<string> HealthAsync(Service service)
    {
        using var response = await service.Outside.GetAsync("/health", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
