using System.Globalization;

namespace Reliability;

/// <summary>How far off the process itself says that its clock was: that the fault was one.</summary>
internal sealed class ClockProbe(string process) : IFaultProbe
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private TimeSpan _most;

    public string Remark =>
        string.Create(CultureInfo.InvariantCulture, $"by its own word {_most.TotalSeconds:F0} s off");

    public async Task AskAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        try
        {
            var said =
                process == "Postgres"
                    ? await system.NowAsync(cancellationToken)
                    : await SaidAsync(system, cancellationToken);
            var off = said - TimeProvider.System.GetUtcNow();
            if (off.Duration() > _most.Duration())
                _most = off;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or Npgsql.NpgsqlException) { }
    }

    private async Task<DateTimeOffset> SaidAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        using var response = await Http.GetAsync(
            new Uri(system.Replicas.Single(r => r.Name == process).Url, "/alive"),
            cancellationToken
        );
        return response.Headers.Date ?? TimeProvider.System.GetUtcNow();
    }
}
