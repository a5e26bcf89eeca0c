using System.Net.Http.Json;
using System.Text.Json;
using Harness;

namespace Reliability;

/// <summary>What a replica holds, by <c>/proc</c> and by its own word.</summary>
internal static class ServerFigures
{
    private static readonly HttpClient Http = new()
    {
        Timeout = TimeSpan.FromSeconds(30),
        DefaultRequestHeaders = { Authorization = new("Bearer", SystemSettings.Operator) },
    };

    /// <summary>Of all replicas.</summary>
    public static double Megabytes(ReliabilitySystem system) =>
        system.Replicas.Sum(r => ProcessFigures.ResidentMegabytes(r.Process.Pid));

    /// <summary>Of all replicas: files and sockets.</summary>
    public static int Descriptors(ReliabilitySystem system) =>
        system.Replicas.Sum(r => Directory.GetFiles($"/proc/{r.Process.Pid}/fd").Length);

    public static async Task<JsonElement> AskAsync(
        ReliabilitySystem system,
        string path,
        CancellationToken cancellationToken
    ) => await Http.GetFromJsonAsync<JsonElement>(new Uri(system.Url, path), cancellationToken);

    /// <summary>Open streams, by the word of every replica.</summary>
    public static async Task<int> ConnectionsAsync(ReliabilitySystem system, CancellationToken cancellationToken) =>
        (await AskAsync(system, "/v1/replicas", cancellationToken))
            .EnumerateArray()
            .Sum(r => r.GetProperty("connections").GetInt32());
}
