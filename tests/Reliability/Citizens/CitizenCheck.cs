using System.Globalization;

namespace Reliability.Citizens;

/// <summary>Lets a regular client do what people and programs do on an ordinary day, on one replica, alone or beside
/// somebody who does too much. Nothing of it may be refused.</summary>
/// <param name="citizen">Who it is, and what they do.</param>
/// <param name="act">Does it.</param>
/// <param name="beside">Who does too much meanwhile. Null for nobody.</param>
internal sealed class CitizenCheck(
    string citizen,
    Func<CitizenClient, CancellationToken, Task<CitizenResult>> act,
    (string Name, Func<CitizenClient, CancellationToken, Task> Act)? beside = null
) : ICheck
{
    public string Name => beside is null ? citizen : $"{citizen}, beside {beside.Value.Name}";
    public SystemKind Needs => SystemKind.Guarded;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        using var client = new CitizenClient(system.Url);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var other = beside?.Act(client, over.Token) ?? Task.CompletedTask;

        var result = await act(client, cancellationToken);
        await over.CancelAsync();
        await other.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        var refusals = result.Refused.Count == 0 ? "" : result.Refused[0].Replace('|', '/').ReplaceLineEndings(" ");
        return new Outcome(
            result.Refused.Count == 0 && result.Rate >= (beside is null ? result.LeastRate : 0),
            $"| {Name} | {result.Asked} | {result.Asked - result.Refused.Count} "
                + $"| {ReliabilityReport.Bold(result.Refused.Count)} "
                + $"| {result.Rate.ToString("N0", CultureInfo.InvariantCulture)} | {refusals} |"
        );
    }
}

/// <summary>The result of a citizen's requests.</summary>
/// <param name="Asked">Number of things asked for.</param>
/// <param name="Refused">The answers that were no success.</param>
/// <param name="Seconds">Time that it took.</param>
/// <param name="LeastRate">Fewest of them per second on an idle machine.</param>
internal sealed record CitizenResult(int Asked, IReadOnlyList<string> Refused, double Seconds, double LeastRate = 0)
{
    public double Rate => (Asked - Refused.Count) / Seconds;
}
