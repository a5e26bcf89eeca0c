using System.Globalization;
using Harness;
using Harness.Builds;

namespace Reliability.Upgrade;

/// <summary>The load tests of an earlier version, whose clients stay, stop reading, drop and resume, or connect and
/// leave.</summary>
internal sealed class EarlierClients(string program, Uri replica)
{
    /// <summary>Longer than the replacement of all services takes.</summary>
    private static readonly TimeSpan Publishing = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    // Clients of a replica that stops spread their return over seconds; what counts here is that nothing is lost.
    private static readonly TimeSpan MaxLatency = TimeSpan.FromSeconds(60);

    /// <summary>Loads the system, and returns what was wrong; empty if no event was lost, doubled or out of
    /// order.</summary>
    public async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);

        try
        {
            await Command.RunAsync(
                "LoadTests",
                [
                    "dotnet",
                    program,
                    "mixed",
                    "--target",
                    replica.ToString(),
                    "--clients",
                    "200",
                    "--rate",
                    "50",
                    "--seconds",
                    Number(Publishing.TotalSeconds),
                    "--max-p99",
                    Number(MaxLatency.TotalMilliseconds),
                    "--reports",
                    Path.Combine(ReliabilitySuite.Folder, "earlier-clients"),
                ],
                limit.Token
            );
            return "";
        }
        catch (BenchmarkException e)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"The load tests of the earlier version did not end within {Limit.TotalMinutes} minutes.";
        }
    }

    private static string Number(double value) => value.ToString("F0", CultureInfo.InvariantCulture);
}
