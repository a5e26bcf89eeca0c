namespace Reliability;

/// <summary>Reads how far off the process's own clock is, which proves that the fault took effect.</summary>
internal sealed class ClockProbe(string process) : IFaultProbe
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private TimeSpan _most;

    public string Remark => $"its clock was {_most.TotalSeconds:F0} s off";

    public async Task AskAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        try
        {
            var clock =
                process == "Postgres"
                    ? await system.NowAsync(cancellationToken)
                    : await ReadClockAsync(system, cancellationToken);
            var off = clock - TimeProvider.System.GetUtcNow();
            if (off.Duration() > _most.Duration())
                _most = off;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or Npgsql.NpgsqlException) { }
    }

    private static async Task<DateTimeOffset> ReadClockAsync(
        ReliabilitySystem system,
        CancellationToken cancellationToken
    )
    {
        using var response = await Http.GetAsync(new Uri(system.Url, "/alive"), cancellationToken);
        return response.Headers.Date ?? TimeProvider.System.GetUtcNow();
    }
}
