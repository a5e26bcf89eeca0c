using System.Globalization;
using Npgsql;

namespace Harness.Worlds;

/// <summary>The ways of services to their stores, which a test can break.</summary>
internal sealed class StoreLinks : IAsyncDisposable
{
    private readonly NpgsqlConnectionStringBuilder _database;
    private readonly string _redisOptions;

    /// <param name="database">The address of the database.</param>
    /// <param name="redis">As StackExchange.Redis reads it: the address, then options.</param>
    public StoreLinks(NpgsqlConnectionStringBuilder database, string redis)
    {
        _database = database;
        Postgres = new FaultyLink(database.Host!, database.Port);

        var comma = redis.IndexOf(',', StringComparison.Ordinal);
        var endpoint = (comma < 0 ? redis : redis[..comma]).Split(':');
        _redisOptions = comma < 0 ? "" : redis[comma..];
        Redis = new FaultyLink(endpoint[0], int.Parse(endpoint[1], CultureInfo.InvariantCulture));
    }

    public FaultyLink Postgres { get; }
    public FaultyLink Redis { get; }

    /// <summary>Settings of a service that takes these ways.</summary>
    public Dictionary<string, string> Settings =>
        Of(
            new(_database.ConnectionString) { Host = "127.0.0.1", Port = Postgres.Port },
            $"127.0.0.1:{Redis.Port}{_redisOptions}"
        );

    /// <summary>Settings of a service that connects to these addresses.</summary>
    public static Dictionary<string, string> Of(NpgsqlConnectionStringBuilder database, string redis) =>
        new() { ["ConnectionStrings__eventstore"] = database.ConnectionString, ["ConnectionStrings__redis"] = redis };

    public async ValueTask DisposeAsync()
    {
        await Postgres.DisposeAsync();
        await Redis.DisposeAsync();
    }
}
