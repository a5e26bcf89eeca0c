using EventStore;
using Harness;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using StreamApi.Replicas;
using StreamApi.Seeds.Storage;

namespace Unit.EventStore;

public sealed class StorePoolTests
{
    /// <summary>Npgsql's default asks for Kerberos first, whose library the images lack.</summary>
    [Theory]
    [InlineData("Host=db", GssEncryptionMode.Disable)]
    [InlineData("Host=db;SSL Mode=VerifyFull;Username=u", GssEncryptionMode.Disable)]
    [InlineData("Host=a,b;Target Session Attributes=primary", GssEncryptionMode.Disable)]
    [InlineData("Host=db;GssEncryptionMode=Prefer", GssEncryptionMode.Prefer)]
    [InlineData("Host=db;GSS Encryption Mode=Require", GssEncryptionMode.Require)]
    public void Kerberos_is_tried_only_if_the_connection_string_asks_for_it(string text, GssEncryptionMode mode)
    {
        var pools = Of(text);
        Assert.Equal(5, pools.Count);
        Assert.All(pools, pool => Assert.Equal(mode, pool.GssEncryptionMode));
    }

    /// <summary>All but its size and how it plans.</summary>
    [Fact]
    public void A_pool_of_the_applications_has_every_setting_of_the_logs()
    {
        const string text = "Host=a,b;Encoding=latin1;Client Encoding=LATIN1;Multiplexing=true;Search Path=s;Timeout=9";
        using var services = Builder(text).AddEventStorePool("mine", connections: 3).Services.BuildServiceProvider();

        var mine = Settings(services, "mine");
        Assert.Equal(3, mine.MaxPoolSize);
        var appends = Settings(services, StorePool.Appends);
        appends.MaxPoolSize = 3;
        Assert.Equal(appends.ConnectionString, mine.ConnectionString);
    }

    [Fact]
    public void A_pool_without_a_log_in_Postgres_says_what_to_call()
    {
        using var services = Host.CreateEmptyApplicationBuilder(settings: null)
            .AddEventStorePool("mine", connections: 3)
            .Services.BuildServiceProvider();

        var refused = Assert.Throws<InvalidOperationException>(() => Settings(services, "mine"));
        Assert.Contains("AddEventStore", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>docs/deployment.md and docs/sizing.md name this number, and deploy/ plans with it.</summary>
    [Fact]
    public void A_service_opens_at_most_60_connections() => Assert.Equal(60, MostConnections());

    /// <summary>Returns the sum of a service's pools on a machine with four cores or more.</summary>
    internal static int MostConnections() =>
        Of("Host=db;Maximum Pool Size=1000").Sum(pool => pool.MaxPoolSize)
        + SeedsPool.WorkConnections
        + SeedsPool.ReadConnections
        + ReplicaTable.Connections;

    [Theory]
    [InlineData("Host=db;Maximum Pool Size=10", true)]
    [InlineData("Host=db;Maximum Pool Size=60", false)]
    [InlineData("Host=db", false)]
    public void A_pool_smaller_than_the_logs_own_is_named(string text, bool isNamed)
    {
        using var log = new WarningLines();
        Of(text, log);
        Assert.Equal(
            isNamed,
            log.Texts.ToArray() is [var warning] && warning.Contains("'Maximum Pool Size=10'", StringComparison.Ordinal)
        );
        Assert.Equal(isNamed ? 1 : 0, log.Texts.Count);
    }

    private static List<NpgsqlConnectionStringBuilder> Of(string text, WarningLines? log = null)
    {
        var builder = Builder(text);
        if (log is not null)
            builder.Logging.AddProvider(log);
        builder.Services.Configure<EventStoreOptions>(options => options.ReadConnections = 4);

        using var services = builder.Services.BuildServiceProvider();
        return
        [
            .. (
                (string[])[StorePool.Appends, StorePool.Feed, StorePool.Replays, StorePool.Reads, StorePool.Work]
            ).Select(pool => Settings(services, pool)),
        ];
    }

    private static HostApplicationBuilder Builder(string text)
    {
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["ConnectionStrings:eventstore"] = text }
        );
        return builder.AddEventStore();
    }

    private static NpgsqlConnectionStringBuilder Settings(ServiceProvider services, string pool) =>
        new(services.GetRequiredKeyedService<NpgsqlDataSource>(pool).ConnectionString);
}
