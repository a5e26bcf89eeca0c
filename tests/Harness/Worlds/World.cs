using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;

namespace Harness.Worlds;

/// <summary>
/// Stream servers and Broadcasters of one test, with a database and a Redis channel of their own, each service behind
/// links that the test can break. They are hosts within the test's process; a test that kills, freezes or measures a
/// service starts it in a process of its own.
/// </summary>
internal sealed class World : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(90) };
    private static readonly TimeSpan RestoreLimit = TimeSpan.FromMinutes(2);

    private readonly WorldOptions _options;
    private readonly Stores _stores;
    private readonly NpgsqlConnectionStringBuilder _database;
    private readonly Lazy<NpgsqlDataSource> _source;
    private readonly List<StoreLinks> _links = [];
    private readonly List<RunningService> _services = [];

    private World(WorldOptions options, Stores stores, NpgsqlConnectionStringBuilder database)
    {
        _options = options;
        _stores = stores;
        _database = database;
        _source = new(() => NpgsqlDataSource.Create(database.ConnectionString));
        if (options is { AreLinked: true, IsEachLinked: false })
            _links.Add(new(database, stores.Redis));
    }

    /// <summary>The direct way, for the test's own statements.</summary>
    public NpgsqlDataSource Database => _source.Value;
    public FaultyLink Postgres => _links[0].Postgres;
    public FaultyLink Redis => _links[0].Redis;

    /// <summary>The address of the database without the link.</summary>
    public NpgsqlConnectionStringBuilder DirectDatabase => new(_database.ConnectionString);

    /// <summary>Settings of a service that does not use the links.</summary>
    public Dictionary<string, string> DirectSettings => StoreLinks.Of(_database, _stores.Redis);

    /// <summary>The Redis channel of this system.</summary>
    public string Channel =>
        _options.Settings.GetValueOrDefault("AspireSse__EventStore__Channel") ?? _database.Database!;

    /// <summary>The Redis channel of the pages that replicas send of their own commits.</summary>
    public string DirectChannel => new EventStoreOptions { Channel = Channel }.DirectChannel;

    public List<RunningService> Replicas { get; } = [];
    public List<RunningService> Broadcasters { get; } = [];

    /// <summary>The last lines of every service, to find the cause of a failure.</summary>
    public IEnumerable<string> Logs => _services.Select(service => $"{service.Url}\n{service.Output}\n");

    private CancellationToken Stop => _options.Stop ?? TestContext.Current.CancellationToken;

    /// <summary>Starts the services, and returns when each is healthy and the replicas get their events from
    /// Redis.</summary>
    public static async Task<World> Start(Action<WorldOptions>? configure = null)
    {
        var options = new WorldOptions();
        configure?.Invoke(options);

        var stores = options.Servers ?? Stores.Shared;
        var stop = options.Stop ?? TestContext.Current.CancellationToken;
        var world = new World(options, stores, options.Store ?? await stores.CreateMigratedAsync(stop));

        try
        {
            var starting = Enumerable.Range(0, options.ReplicaCount).Select(_ => world.StartReplicaAsync());
            var relaying = Enumerable.Range(0, options.BroadcasterCount).Select(_ => world.StartBroadcasterAsync());
            await Task.WhenAll([.. starting, .. relaying]);
            if (options.BroadcasterCount > 0)
                await world.WaitForModeAsync("live");
            return world;
        }
        catch
        {
            foreach (var log in world.Logs)
                TestContext.Current.TestOutputHelper?.WriteLine(log);
            await world.DisposeAsync(); // nobody else could end its services
            throw;
        }
    }

    public async Task<RunningService> StartReplicaAsync(
        Dictionary<string, string>? settings = null,
        string url = "http://127.0.0.1:0",
        bool asProcess = false
    )
    {
        var replica = await StartAsync("StreamApi", settings, url, asProcess);
        await WaitUntilHealthyAsync(replica);

        lock (Replicas)
            Replicas.Add(replica);

        return replica;
    }

    /// <summary>Waits until a service says that it is healthy.</summary>
    public Task WaitUntilHealthyAsync(RunningService service) =>
        HoldsAsync(
            async () => (await Http.GetAsync(new Uri(service.Url, "/health"))).IsSuccessStatusCode,
            $"{service.Url} is healthy"
        );

    /// <summary>Starts a replica that cannot become healthy, because its link to Postgres is cut.</summary>
    public Task<RunningService> StartWithoutStoreAsync() => StartAsync("StreamApi", settings: null);

    public async Task<RunningService> StartBroadcasterAsync(
        Dictionary<string, string>? settings = null,
        bool asProcess = false
    )
    {
        var broadcaster = await StartAsync("Broadcaster", settings, asProcess: asProcess);
        lock (Broadcasters)
            Broadcasters.Add(broadcaster);
        return broadcaster;
    }

    /// <summary>Stops a replica and waits until the others list it no more, so that it is no part of the next
    /// test.</summary>
    public async Task StopAsync(RunningService replica)
    {
        await replica.StopAsync(Stop);
        await WaitForListsAsync(
            (_, rows) => !rows.Any(row => IsOf(replica, row)),
            "no replica lists the one that stopped"
        );
    }

    /// <summary>Starts the processes that have ended again, and waits until each replica lists all of them as
    /// live.</summary>
    public async Task RestoreAsync()
    {
        foreach (var service in _services.OfType<ServiceProcess>())
            await service.StartAsync(Stop);
        await WaitForListsAsync(
            (_, rows) =>
                rows.Count() == Replicas.Count && rows.All(row => row.GetProperty("mode").GetString() == "live"),
            "every replica lists all of them as live",
            RestoreLimit
        );
    }

    /// <summary>Returns the leading Broadcaster, as soon as there is one.</summary>
    public async Task<RunningService> LeaderAsync()
    {
        RunningService? leader = null;
        await HoldsAsync(
            async () =>
            {
                foreach (var broadcaster in Running(Broadcasters))
                    if (await LeadsAsync(broadcaster))
                        leader = broadcaster;
                return leader is not null;
            },
            "a Broadcaster leads"
        );

        return leader!;
    }

    /// <summary>True if a Broadcaster says that it leads.</summary>
    public static async Task<bool> LeadsAsync(RunningService broadcaster) =>
        (await Http.GetFromJsonAsync<JsonElement>(new Uri(broadcaster.Url, "/status")))
            .GetProperty("leader")
            .GetBoolean();

    /// <summary>Waits until the Broadcaster has relayed an event.</summary>
    public async Task WaitForRelayAsync(string id)
    {
        var status = new Uri((await LeaderAsync()).Url, "/status");
        await HoldsAsync(
            async () =>
                (await Http.GetFromJsonAsync<JsonElement>(status)).GetProperty("relayed").GetInt64() >= Position(id),
            $"the Broadcaster has relayed {id}"
        );
    }

    public Task WaitForModeAsync(string mode) =>
        WaitForReplicasAsync(row => row.GetProperty("mode").GetString() == mode, $"every replica is {mode}");

    /// <summary>
    /// Publishes consecutive numbers on the first replica and waits until every replica has delivered them: a stream
    /// opened later gets them from a replay, not live.
    /// </summary>
    public async Task<string[]> PublishDeliveredAsync(string topic, int from, int count)
    {
        var positions = await PublishNumbersAsync(Replicas[0], topic, from, count);
        var last = Position(positions[^1]);
        await WaitForReplicasAsync(
            row => Position(row.GetProperty("head").GetString()!) >= last,
            $"every replica has delivered {positions[^1]}"
        );

        return positions;
    }

    /// <summary>The position in an event's id.</summary>
    public static long Position(string id) => long.Parse(id.Split('-')[^1], CultureInfo.InvariantCulture);

    /// <summary>The epoch in an event's id.</summary>
    public static string Epoch(string id) => id.Split('-')[0];

    private Task WaitForReplicasAsync(Predicate<JsonElement> holds, string what) =>
        WaitForListsAsync((replica, rows) => rows.Any(row => IsOf(replica, row) && holds(row)), what);

    private static bool IsOf(RunningService replica, JsonElement row) =>
        row.GetProperty("url").GetString() == replica.Url.ToString().TrimEnd('/');

    /// <summary>Waits until a condition holds for the list of replicas of every running replica.</summary>
    private Task WaitForListsAsync(
        Func<RunningService, IEnumerable<JsonElement>, bool> holds,
        string what,
        TimeSpan? within = null
    ) =>
        HoldsAsync(
            async () =>
            {
                foreach (var replica in Running(Replicas))
                {
                    using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(replica.Url, "/v1/replicas"));

                    if (_options.Key is not null)
                        request.Headers.Add("X-Api-Key", _options.Key);

                    using var response = await Http.SendAsync(request);
                    var rows = await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
                    if (!holds(replica, rows.EnumerateArray()))
                        return false;
                }
                return true;
            },
            what,
            within
        );

    /// <summary>Copies the list, to which a test that shares this world may add meanwhile.</summary>
    private static RunningService[] Running(List<RunningService> services)
    {
        lock (services)
            return [.. services.Where(service => !service.HasExited)];
    }

    private Task HoldsAsync(Func<Task<bool>> condition, string what, TimeSpan? within = null) =>
        Eventually.HoldsAsync(condition, what, state: null, within, Stop);

    /// <summary>Publishes on a replica and returns the positions; throws if it is refused.</summary>
    public static async Task<string[]> PublishAsync(RunningService replica, params object[] events)
    {
        using var response = await PostAsync(replica, events);
        return await PositionsAsync(response);
    }

    /// <summary>Publishes events that have ids, again while they are refused with 503: with a short
    /// <c>AspireSse:EventStore:CommandTimeoutSeconds</c>, that also happens on a busy machine.</summary>
    public static async Task<string[]> RepeatAsync(RunningService replica, params EventBody[] events)
    {
        string[] positions = [];
        await Eventually.HoldsAsync(
            async () =>
            {
                using var response = await PostAsync(replica, events);
                if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
                    return false;
                positions = await PositionsAsync(response);
                return true;
            },
            "the events are accepted"
        );

        return positions;
    }

    private static async Task<string[]> PositionsAsync(HttpResponseMessage response)
    {
        Assert.True(
            response.IsSuccessStatusCode,
            $"{response.StatusCode}: {await response.Content.ReadAsStringAsync()}"
        );
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        return [.. answer.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("position").GetString()!)];
    }

    public static Task<HttpResponseMessage> PostAsync(RunningService replica, object body) =>
        Http.PostAsJsonAsync(new Uri(replica.Url, "/v1/events"), body);

    /// <summary>Publishes events whose data are consecutive numbers, 500 at a time.</summary>
    public static async Task<string[]> PublishNumbersAsync(RunningService replica, string topic, int from, int count)
    {
        var positions = new List<string>();
        foreach (var chunk in Enumerable.Range(from, count).Chunk(500))
            positions.AddRange(await PublishAsync(replica, [.. chunk.Select(n => new EventBody(topic, "n", n))]));
        return [.. positions];
    }

    /// <inheritdoc cref="RepeatAsync"/>
    public static Task<string[]> RepeatNumbersAsync(RunningService replica, string topic, int from, int count) =>
        RepeatAsync(
            replica,
            [.. Enumerable.Range(from, count).Select(n => new EventBody(topic, "n", n, Id: Guid.CreateVersion7()))]
        );

    /// <summary>Publishes events of 4 kB that <c>StalledReader</c> counts, 200 at a time.</summary>
    public static async Task PublishLargeAsync(
        RunningService replica,
        string topic,
        int count,
        Func<int, string>? key = null
    )
    {
        var padding = new string('x', 4_000);
        foreach (var chunk in Enumerable.Range(1, count).Chunk(200))
            await PublishAsync(
                replica,
                [.. chunk.Select(n => new EventBody(topic, "n", new { n, padding }, key?.Invoke(n)))]
            );
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_services.Select(service => service.DisposeAsync().AsTask()));
        if (_source.IsValueCreated)
            await Database.DisposeAsync();
        foreach (var links in _links)
            await links.DisposeAsync();
    }

    private async Task<RunningService> StartAsync(
        string name,
        Dictionary<string, string>? settings,
        string url = "http://127.0.0.1:0",
        bool asProcess = false
    )
    {
        var links = _options.IsEachLinked ? new StoreLinks(_database, _stores.Redis) : _links.FirstOrDefault();

        if (_options.IsEachLinked)
            lock (_links)
                _links.Add(links!);

        var environment = new Dictionary<string, string>(links?.Settings ?? DirectSettings)
        {
            ["AspireSse__EventStore__Channel"] = Channel,
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["Traffic__Enabled"] = "false", // a test sees only what it did itself
        };
        foreach (var (setting, value) in _options.Settings.Concat(settings ?? []))
            // A process among services within the test's process keeps the program's constants.
            if (!asProcess || !Constants.Has(setting.Replace("__", ":", StringComparison.Ordinal)))
                environment[setting] = value;

        RunningService service =
            asProcess || _options.InProcesses
                ? await ServiceProcess.StartAsync(_options.Program(name), environment, Stop, url)
                : await ServiceHost.StartAsync(name, environment, url, _options.Time, Stop);

        if (links is not null)
            service.Links = links;

        lock (_services)
            _services.Add(service);

        return service;
    }
}
