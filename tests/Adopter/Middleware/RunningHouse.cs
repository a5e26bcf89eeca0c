using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Threading.Channels;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.TestHost;

namespace Adopter.Middleware;

/// <summary>An application with one middleware, in this process, whose log is in memory.</summary>
internal sealed class RunningHouse : IAsyncDisposable
{
    private readonly House _house;
    private readonly WebApplication _app;

    private RunningHouse(House house, WebApplication app)
    {
        _house = house;
        _app = app;
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses;
        Server = new Uri(house.Url is null ? "http://localhost" : addresses!.First());
        Client = house.Url is null ? app.GetTestClient() : new HttpClient(Handler());
        Client.BaseAddress = Server;
        Client.Timeout = Timeout.InfiniteTimeSpan;

        if (house.Version is { } version)
        {
            Client.DefaultRequestVersion = version;
            Client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        }

        if (house.Name == "response compression")
            Client.DefaultRequestHeaders.AcceptEncoding.ParseAdd("gzip, br");
    }

    public HttpClient Client { get; }

    private Uri Server { get; }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Starts it with a log in Postgres and one run.</summary>
    public static async Task<RunningHouse> StartWithRunsAsync(
        House house,
        string connectionString,
        Func<Run, CancellationToken, Task> work
    )
    {
        var id = Guid.NewGuid();
        var app = house.Build(
            takesOver: false,
            builder =>
            {
                builder.Configuration["ConnectionStrings:orders"] = connectionString;
                builder.AddEventStore("orders");
            },
            builder => builder.AddSseRuns()
        );
        var routes = house.Routes?.Invoke(app) ?? app;
        routes.MapPut("/run", (IRuns runs) => runs.StartAsync($"runs.{id}", work)).AllowAnonymous();
        routes.MapGet("/run", () => TypedResults.RunStream($"runs.{id}")).AllowAnonymous();
        MapOthers(app, routes);

        await app.StartAsync(Stop);
        return new RunningHouse(house, app);
    }

    /// <summary>Starts it with a log in memory.</summary>
    public static async Task<RunningHouse> StartAsync(House house, bool takesOver)
    {
        var app = house.Build(takesOver, builder => builder.AddInMemoryEventLog().Services.AddSingleton<OwnItems>());
        var routes = house.Routes?.Invoke(app) ?? app;
        // Four ways to declare the same stream.
        routes
            .MapGet("/result/{id}", IResult (string id) => TypedResults.EventStream($"orders.{id}.>"))
            .AllowAnonymous();
        routes.MapGet("/typed/{id}", (string id) => TypedResults.EventStream($"orders.{id}.>")).AllowAnonymous();
        routes
            .MapGet(
                "/either/{id}",
                Results<EventStreamResult, NotFound> (string id) => TypedResults.EventStream($"orders.{id}.>")
            )
            .AllowAnonymous();
        routes
            .MapGet("/marked/{id}", IResult (string id) => TypedResults.EventStream($"orders.{id}.>"))
            .AllowAnonymous()
            .WithEventStream();
        routes
            .MapGet("/items/{id}", (string id, OwnItems items) => TypedResults.EventStream(items.ReadAsync(id)))
            .AllowAnonymous();
        MapOthers(app, routes);

        await app.StartAsync(Stop);
        return new RunningHouse(house, app);
    }

    private static void MapOthers(WebApplication app, IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/slow", (HttpContext context) => Task.Delay(Timeout.Infinite, context.RequestAborted))
            .AllowAnonymous();
        app.MapGet("/error", () => "An error").AllowAnonymous();
    }

    /// <summary>Opens a stream, and waits for its first frame.</summary>
    public async Task<SseReader> OpenAsync(string path, string? lastId = null)
    {
        var reader = await SseReader.OpenAsync(Server, _house.Prefix + path, lastId, client: Client);
        await reader.WaitAsync(r => r.Frames.Count > 0);
        return reader;
    }

    public async Task<HttpResponseMessage> GetAsync(string path, string? lastId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _house.Prefix + path)
        {
            Version = Client.DefaultRequestVersion,
            VersionPolicy = Client.DefaultVersionPolicy,
        };
        if (lastId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
    }

    public async Task BeginRunAsync()
    {
        using var begun = await Client.PutAsync($"{_house.Prefix}/run", content: null, Stop);
        begun.EnsureSuccessStatusCode();
    }

    public async Task AppendAsync(string id, string state) =>
        await _app
            .Services.GetRequiredService<IEventLog>()
            .AppendAsync([NewEvent.Of($"orders.{id}.{state}", state, id)], Stop);

    /// <summary>Gives the reader of items another one.</summary>
    public void Push(string id, string item) =>
        _app.Services.GetRequiredService<OwnItems>().Of(id).Writer.TryWrite(item);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    private static SocketsHttpHandler Handler() =>
        new()
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null },
            AllowAutoRedirect = false,
        };
}

/// <summary>Items of the application's own, which are in no log.</summary>
internal sealed class OwnItems
{
    private readonly ConcurrentDictionary<string, Channel<string>> _channels = [];

    public Channel<string> Of(string id) => _channels.GetOrAdd(id, _ => Channel.CreateUnbounded<string>());

    public IAsyncEnumerable<SseItem<string>> ReadAsync(string id) =>
        Of(id).Reader.ReadAllAsync().Select(item => new SseItem<string>(item, "item"));
}

/// <summary>The applications, each started by the first test of it.</summary>
public sealed class HouseFixture : IAsyncLifetime
{
    private readonly Dictionary<(string, bool), Task<RunningHouse>> _started = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    internal Task<RunningHouse> GetAsync(string name, bool takesOver)
    {
        lock (_started)
        {
            if (!_started.TryGetValue((name, takesOver), out var running))
                _started[(name, takesOver)] = running = RunningHouse.StartAsync(MiddlewareTable.Named(name), takesOver);
            return running;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var running in _started.Values)
            await (await running).DisposeAsync();
    }
}
