using System.Diagnostics.Metrics;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A small Postgres, which is copied in a moment, and its promoted copies.</summary>
public sealed class PromotionRig : IAsyncLifetime
{
    private readonly List<PostgresStandby> _servers = [];
    private int _databases;

    /// <summary>Skips the test if no server can be copied.</summary>
    internal PostgresStandby Origin
    {
        get
        {
            Assert.SkipWhen(_servers.Count == 0, "Postgres is not a process of this machine: it cannot be copied.");
            return _servers[0];
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (await PostgresStandby.CreateAsync(Stores.Shared.EventStore, CancellationToken.None) is { } origin)
            _servers.Add(origin);
    }

    internal IReadOnlyList<PostgresStandby> Servers => _servers;

    /// <summary>Creates a migrated database on the first server.</summary>
    internal Task<NpgsqlConnectionStringBuilder> CreateDatabaseAsync() =>
        Origin.CreateDatabaseAsync($"promotion_{Interlocked.Increment(ref _databases)}");

    /// <summary>Promotes a copy that equals a server's standby at this moment.</summary>
    internal async Task<PostgresStandby> PromoteAsync(PostgresStandby of)
    {
        var standby = await PostgresStandby.PromoteCopyAsync(
            of.ConnectionString,
            TestContext.Current.CancellationToken
        );
        _servers.Add(standby!);
        return standby!;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
    }
}

/// <summary>The event store of a database, without services around it.</summary>
internal sealed class OpenLog : IAsyncDisposable
{
    private readonly IHost _host;

    private OpenLog(IHost host) => _host = host;

    public EventReader Reader => _host.Services.GetRequiredService<EventReader>();
    public LineageReader Lineages => _host.Services.GetRequiredService<LineageReader>();
    public NpgsqlDataSource Database => _host.Services.GetRequiredService<NpgsqlDataSource>();
    public RunRegistry Runs => _host.Services.GetRequiredService<RunRegistry>();
    public RunWriters Writers => _host.Services.GetRequiredService<RunWriters>();
    public EventAppender Appender => _host.Services.GetRequiredService<EventAppender>();
    public EventTail Tail => _host.Services.GetRequiredService<EventTail>();
    public TicketConnections Tickets => _host.Services.GetRequiredService<TicketConnections>();
    public IMeterFactory Meters => _host.Services.GetRequiredService<IMeterFactory>();
    public StoreMigrator Migrator => _host.Services.GetRequiredService<StoreMigrator>();

    public static async Task<OpenLog> OpenAsync(
        NpgsqlConnectionStringBuilder database,
        params (string Name, string Value)[] settings
    )
    {
        var host = StoreHost.Of(database.ConnectionString, settings).Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new OpenLog(host);
    }

    public async Task<StreamId[]> AppendAsync(int count)
    {
        var appended = await Appender.AppendAsync(
            [.. Enumerable.Range(1, count).Select(n => new NewEvent("t.1", "n", $"{n}"))],
            TestContext.Current.CancellationToken
        );
        return [.. appended.Select(e => e.At)];
    }

    public async Task<StreamId> HeadAsync()
    {
        var head = await Reader.HeadAsync(TestContext.Current.CancellationToken);
        return new StreamId(head.Epoch, head.Head);
    }

    /// <summary>Returns the id in the current epoch, null if this log does not honour it.</summary>
    public async Task<StreamId?> HonouredAsync(StreamId id) =>
        await Lineages.TranslateAsync(id, (await HeadAsync()).Epoch, TestContext.Current.CancellationToken);

    public async Task<object?> ScalarAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
