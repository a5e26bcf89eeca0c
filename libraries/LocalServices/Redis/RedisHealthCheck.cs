using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LocalServices.Redis;

/// <summary>Sends AUTH and PING. A Redis that accepts but does not answer (frozen, loading) is unhealthy.</summary>
internal sealed class RedisHealthCheck(int port, string password) : IHealthCheck
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
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"AUTH {password}\r\nPING\r\n"), limit.Token);
            using var answers = new StreamReader(stream, Encoding.ASCII);
            var authenticated = await answers.ReadLineAsync(limit.Token);
            var answer = authenticated is "+OK" ? await answers.ReadLineAsync(limit.Token) : authenticated;
            return answer is "+PONG"
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"Redis answered: {answer ?? "nothing"}");
        }
        catch (Exception exception)
            when (exception is SocketException or IOException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            return HealthCheckResult.Unhealthy($"Redis does not answer on port {port}.", exception);
        }
    }
}
