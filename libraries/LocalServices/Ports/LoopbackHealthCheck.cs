using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LocalServices;

/// <summary>
/// Asks a server of this machine as a client does, because a server that accepts connections may still not answer.
/// </summary>
internal abstract class LoopbackHealthCheck(string server, int port) : IHealthCheck
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);

        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, limit.Token);
            return await ProblemAsync(client.GetStream(), limit.Token) is { } problem
                ? HealthCheckResult.Unhealthy(problem)
                : HealthCheckResult.Healthy();
        }
        catch (Exception exception)
            when (exception is SocketException or IOException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            return HealthCheckResult.Unhealthy($"{server} does not answer on port {port}.", exception);
        }
    }

    /// <summary>Returns what is wrong with the server's answer, or null if nothing is.</summary>
    protected abstract Task<string?> ProblemAsync(NetworkStream stream, CancellationToken cancellationToken);
}
