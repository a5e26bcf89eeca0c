using Harness;
using LocalServices;

namespace Reliability;

/// <summary>A replica of a service on a fixed port.</summary>
internal sealed class ServiceReplica : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    private readonly StoreLinks? _links;
    private readonly Dictionary<string, string> _environment = new()
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Development",
        ["Traffic__Enabled"] = "false",
        ["Logging__Console__FormatterName"] = "simple",
        ["Logging__Console__FormatterOptions__TimestampFormat"] = "HH:mm:ss.fff ",
        ["Logging__Console__FormatterOptions__SingleLine"] = "true",
    };

    /// <param name="service">The program's name.</param>
    /// <param name="number">The replica's number.</param>
    /// <param name="settings">Its stores and what else it is told.</param>
    /// <param name="links">Its ways to the stores, where faults break them.</param>
    public ServiceReplica(
        string service,
        int number,
        IEnumerable<KeyValuePair<string, string>> settings,
        StoreLinks? links = null
    )
    {
        foreach (var (setting, value) in settings)
            _environment[setting] = value;
        _links = links;
        Name = $"{service} {number}";
        Url = new Uri($"http://127.0.0.1:{LoopbackPort.Take(0, service, "Port")}");
        var dll = ServiceProcess.PathOf(service);
        Process = new SystemProcess(
            Name,
            ["dotnet", dll, "--urls", Url.ToString()],
            AnswersAsync,
            _environment,
            folder: Path.GetDirectoryName(dll)
        );
    }

    public string Name { get; }
    public Uri Url { get; }
    public SystemProcess Process { get; }

    /// <exception cref="InvalidOperationException">The service reaches its stores directly.</exception>
    public StoreLinks Links => _links ?? throw new InvalidOperationException($"{Name} has no links to its stores.");

    public Task MigrateAsync(CancellationToken cancellationToken) =>
        ServiceProcess.RunToEndAsync("StreamApi", ["migrate"], _environment, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        if (_links is not null)
            await _links.DisposeAsync();
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
