using System.Net;
using Harness;
using Harness.Worlds;
using Stack;

namespace Browser;

/// <summary>A world and its pages, which reach its replicas in turn at one address.</summary>
internal sealed class PagesSystem : IAsyncDisposable
{
    /// <summary>The dashboard's address that pages link to; a test has no dashboard.</summary>
    public const string Dashboard = StackFixture.Dashboard;

    private readonly FaultyLink _entrance;
    private readonly DirectoryInfo _reports = Directory.CreateTempSubdirectory("load-");
    private RunningService? _frontend;

    private PagesSystem(World world, Uri frontend)
    {
        World = world;
        Frontend = frontend;
        _entrance = new FaultyLink([.. world.Replicas.Select(r => new IPEndPoint(IPAddress.Loopback, r.Url.Port))]);
    }

    public World World { get; }
    public Uri StreamApi => new($"http://127.0.0.1:{_entrance.Port}");
    public Uri Frontend { get; }

    /// <param name="configure">The world, which has one replica unless this says otherwise.</param>
    /// <param name="scheme">The scheme of the pages' address.</param>
    /// <param name="settings">Settings of the frontend, beside the address of StreamApi.</param>
    public static async Task<PagesSystem> StartAsync(
        Action<WorldOptions> configure,
        string scheme = "http",
        IEnumerable<KeyValuePair<string, string>>? settings = null
    )
    {
        var frontend = new Uri($"{scheme}://127.0.0.1:{FreePort.Take()}");
        var world = await World.Start(options =>
        {
            // Browsers may call the API from the pages.
            options.Set("Cors:AllowedOrigins:0", frontend.GetLeftPart(UriPartial.Authority));
            configure(options);
        });

        var system = new PagesSystem(world, frontend);
        try
        {
            system._frontend = await system.StartFrontendAsync(frontend, settings ?? system.Development());
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts another frontend of this system.</summary>
    public Task<ServiceHost> StartFrontendAsync(Uri address, IEnumerable<KeyValuePair<string, string>> settings) =>
        ServiceHost.StartAsync(
            "WebFrontend",
            new Dictionary<string, string>(settings) { ["StreamApi__PublicUrl"] = StreamApi.ToString() },
            address.ToString(),
            clock: null,
            TestContext.Current.CancellationToken
        );

    /// <summary>The settings that the AppHost gives the frontend.</summary>
    public Dictionary<string, string> Development() =>
        new()
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["services__streamapi__http__0"] = StreamApi.ToString(),
            ["services__broadcaster__http__0"] = World.Broadcasters[0].Url.ToString(),
            ["Dashboard__Url"] = Dashboard,
            ["LoadTests__Reports"] = _reports.FullName,
        };

    public async ValueTask DisposeAsync()
    {
        if (_frontend is not null)
            await _frontend.DisposeAsync();
        await _entrance.DisposeAsync();
        await World.DisposeAsync();
        _reports.Delete(recursive: true);
    }
}
