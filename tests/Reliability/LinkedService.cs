using System.Diagnostics;
using Harness;
using LocalServices;
using Npgsql;

namespace Reliability;

/// <summary>A replica of a service on a fixed port, with its own links to the stores.</summary>
internal sealed class LinkedService : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private readonly Dictionary<string, string> _environment;
    private readonly string _dll;

    public LinkedService(
        string service,
        int number,
        SystemStores stores,
        FalseClock? clock,
        IReadOnlyDictionary<string, string> settings,
        bool linked
    )
    {
        Name = $"{service} {number}";
        _dll = Repository.Service(service);
        (Postgres, Redis) = (
            new FaultyLink("127.0.0.1", stores.PostgresPort),
            new FaultyLink("127.0.0.1", stores.RedisPort)
        );
        // Without faults the services connect directly: through the
        // links, their traffic would pass through this process.
        var (postgres, redis) = linked ? (Postgres.Port, Redis.Port) : (stores.PostgresPort, stores.RedisPort);
        Url = new Uri($"http://127.0.0.1:{LoopbackPort.Take(0, service, "Port")}");
        _environment = new Dictionary<string, string>(clock?.For(Name) ?? new Dictionary<string, string>())
        {
            ["ConnectionStrings__eventstore"] = new NpgsqlConnectionStringBuilder(stores.Direct)
            {
                Port = postgres,
            }.ConnectionString,
            ["ConnectionStrings__redis"] = $"127.0.0.1:{redis},password={stores.RedisPassword}",
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["Traffic__Enabled"] = "false",
            ["Logging__Console__FormatterName"] = "simple",
            ["Logging__Console__FormatterOptions__TimestampFormat"] = "HH:mm:ss.fff ",
            ["Logging__Console__FormatterOptions__SingleLine"] = "true",
        };
        foreach (var (name, value) in settings)
            _environment[name] = value;
        Process = new SystemProcess(
            Name,
            ["dotnet", _dll, "--urls", Url.ToString()],
            _environment,
            "TERM",
            Path.GetDirectoryName(_dll)!,
            AnswersAsync
        );
    }

    public string Name { get; }
    public Uri Url { get; }
    public FaultyLink Postgres { get; }
    public FaultyLink Redis { get; }
    public SystemProcess Process { get; }

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet", [_dll, "migrate"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(_dll)!,
        };
        // For the load generator alone: in a server, blocking code would hold up every socket.
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS");
        foreach (var (name, value) in _environment)
            start.Environment[name] = value;
        using var process = System.Diagnostics.Process.Start(start)!;
        var (output, errors) = (
            process.StandardOutput.ReadToEndAsync(cancellationToken),
            process.StandardError.ReadToEndAsync(cancellationToken)
        );
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"StreamApi migrate failed:\n{await output}\n{await errors}");
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await Postgres.DisposeAsync();
        await Redis.DisposeAsync();
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await Http.GetAsync(new Uri(Url, "/alive"), cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e)
            when (e is HttpRequestException
                || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            return false;
        }
    }
}
