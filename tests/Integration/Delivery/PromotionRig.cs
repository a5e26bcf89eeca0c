using System.Diagnostics.Metrics;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A small Postgres, which is copied in a moment. The classes share it, each with databases of its own; what
/// changes the server is done to a copy.</summary>
public sealed class SmallPostgres : IAsyncLifetime
{
    internal PostgresStandby Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await PostgresStandby.CreateAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

/// <summary>The small Postgres and the copies of it of one class, which end with the class.</summary>
public sealed class PromotionRig : IAsyncLifetime
{
    private static int _databases;

    private readonly AssemblyWide<SmallPostgres> _shared = new();
    private readonly List<PostgresStandby> _copies = [];

    internal PostgresStandby Origin => _shared.World.Server;

    public ValueTask InitializeAsync() => _shared.InitializeAsync();

    /// <summary>Creates a migrated database on the first server.</summary>
    internal Task<NpgsqlConnectionStringBuilder> CreateDatabaseAsync() =>
        Origin.CreateDatabaseAsync($"promotion_{Interlocked.Increment(ref _databases)}");

    /// <summary>Promotes a copy that equals a server's standby at this moment.</summary>
    internal async Task<PostgresStandby> PromoteAsync(PostgresStandby of)
    {
        var standby = await CopyAsync(of);
        await standby.PromoteAsync();
        return standby;
    }

    /// <summary>Starts a copy that gets no more WAL, and is not promoted.</summary>
    internal async Task<PostgresStandby> CopyAsync(PostgresStandby of)
    {
        var standby = await of.CopyAsync();
        _copies.Add(standby);
        return standby;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var copy in _copies)
            await copy.DisposeAsync();
    }
}

/// <summary>The event store of a database, without services around it.</summary>
internal sealed class OpenLog : IAsyncDisposable
{
    private readonly IHost _host;

    private OpenLog(IHost host, NpgsqlDataSource database)
    {
        _host = host;
        Database = database;
    }

    public IEventLog Log => _host.Services.GetRequiredService<IEventLog>();
    public EventReader Reader => _host.Services.GetRequiredService<EventReader>();

    /// <summary>The reader of streams and lists.</summary>
    public EventReader FilteredReader => _host.Services.GetRequiredKeyedService<EventReader>(StorePool.Reads);
    public LineageReader Lineages => _host.Services.GetRequiredService<LineageReader>();

    /// <summary>For the test's own statements: its sessions have no time limits.</summary>
    public NpgsqlDataSource Database { get; }
    public RunStore Runs => _host.Services.GetRequiredService<RunStore>();
    public RunWriterLeases Writers => _host.Services.GetRequiredService<RunWriterLeases>();
    public EventAppender Appender => _host.Services.GetRequiredService<EventAppender>();
    public EventTail Tail => _host.Services.GetRequiredService<EventTail>();
    public TicketConnectionStore Tickets => _host.Services.GetRequiredService<TicketConnectionStore>();
    public IMeterFactory Meters => _host.Services.GetRequiredService<IMeterFactory>();
    public StoreMigrator Migrator => _host.Services.GetRequiredService<StoreMigrator>();
    public Retention Retention => _host.Services.GetRequiredService<Retention>();
    public TopicDirectory Directory => _host.Services.GetRequiredService<TopicDirectory>();
    public TopicReader Topics => _host.Services.GetRequiredService<TopicReader>();
    public IHost Host => _host;

    public static async Task<OpenLog> OpenAsync(
        NpgsqlConnectionStringBuilder database,
        params (string Name, string Value)[] settings
    )
    {
        var host = StoreOnlyHost.Of(database.ConnectionString, settings).Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        var own = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = true };
        return new OpenLog(host, NpgsqlDataSource.Create(own));
    }

    /// <summary>Opens the log of a new database.</summary>
    public static async Task<OpenLog> NewAsync(params (string Name, string Value)[] settings) =>
        await OpenAsync(await Stores.Shared.CreateMigratedAsync(TestContext.Current.CancellationToken), settings);

    public async Task<StreamPosition[]> AppendAsync(int count)
    {
        var appended = await Appender.AppendAsync(
            [.. Enumerable.Range(1, count).Select(n => new NewEvent("t.1", "n", $"{n}"))],
            TestContext.Current.CancellationToken
        );
        return [.. appended.Select(e => e.At)];
    }

    public async Task<StreamPosition> HeadAsync()
    {
        var head = await Reader.HeadAsync(TestContext.Current.CancellationToken);
        return new StreamPosition(head.Epoch, head.Head);
    }

    /// <summary>Returns the id in the current epoch, null if this log does not honour it.</summary>
    public async Task<StreamPosition?> HonouredAsync(StreamPosition id) =>
        await Lineages.TranslateAsync(id, (await HeadAsync()).Epoch, TestContext.Current.CancellationToken);

    public Task<object?> ScalarAsync(string sql) => Database.AskAsync<object>(sql);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await Database.DisposeAsync();
    }
}
