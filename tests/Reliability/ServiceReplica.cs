using System.Diagnostics;
using LocalServices;

namespace Reliability;

/// <summary>A replica of a service on a fixed port.</summary>
internal sealed class ServiceReplica
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private readonly Dictionary<string, string> _environment;
    private readonly string _dll;

    public ServiceReplica(string service, int number, IReadOnlyDictionary<string, string> environment)
    {
        (Name, _dll, _environment) = ($"{service} {number}", Repository.Service(service), new(environment));
        Url = new Uri($"http://127.0.0.1:{LoopbackPort.Take(0, service, "Port")}");
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
