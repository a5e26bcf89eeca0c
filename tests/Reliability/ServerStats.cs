using System.Net.Http.Json;
using System.Text.Json;
using Harness;

namespace Reliability;

/// <summary>Reads the resources of the replicas, from <c>/proc</c> and from their API.</summary>
internal static class ServerStats
{
    private static readonly HttpClient Http = new()
    {
        Timeout = TimeSpan.FromSeconds(30),
        DefaultRequestHeaders = { Authorization = new("Bearer", SystemSettings.Operator) },
    };

    /// <summary>Returns the resident memory of all replicas.</summary>
    public static double Megabytes(ReliabilitySystem system) =>
        system.Replicas.Sum(r => ProcessStats.ResidentMegabytes(r.Process.Id));

    /// <summary>Returns the number of open files and sockets of all replicas.</summary>
    public static int Descriptors(ReliabilitySystem system) =>
        system.Replicas.Sum(r => Directory.GetFiles($"/proc/{r.Process.Id}/fd").Length);

    public static async Task<JsonElement> AskAsync(
        ReliabilitySystem system,
        string path,
        CancellationToken cancellationToken
    ) => await Http.GetFromJsonAsync<JsonElement>(new Uri(system.Url, path), cancellationToken);

    /// <summary>Returns the number of open streams that the replicas report.</summary>
    public static async Task<int> ConnectionsAsync(ReliabilitySystem system, CancellationToken cancellationToken) =>
        (await AskAsync(system, "/v1/replicas", cancellationToken))
            .EnumerateArray()
            .Sum(r => r.GetProperty("connections").GetInt32());
}
