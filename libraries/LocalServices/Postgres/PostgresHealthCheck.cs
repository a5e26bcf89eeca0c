using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LocalServices.Postgres;

/// <summary>Connects as a client does, up to the password request. A server
/// that is starting, recovering or full refuses before that.</summary>
internal sealed class PostgresHealthCheck(int port) : IHealthCheck
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
            await stream.WriteAsync(StartupMessage(), limit.Token);
            var answer = new byte[1024];
            var length = await stream.ReadAsync(answer, limit.Token);
            // 'R' requests authentication. 'E' is an error with
            // zero-terminated fields, each after a letter (M: message).
            return length > 0 && answer[0] == (byte)'R'
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy(
                    length > 5 && answer[0] == (byte)'E'
                        ? Message(answer.AsSpan(5, length - 5))
                        : "Postgres closed the connection."
                );
        }
        catch (Exception exception)
            when (exception is SocketException or IOException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            return HealthCheckResult.Unhealthy($"Postgres does not answer on port {port}.", exception);
        }
    }

    /// <summary>Returns the startup message: length, version 3.0, pairs of texts, a zero.
    /// https://www.postgresql.org/docs/current/protocol-message-formats.html</summary>
    private static byte[] StartupMessage()
    {
        var pairs = Encoding.ASCII.GetBytes(
            $"user\0postgres\0database\0{PostgresCluster.Database}\0application_name\0apphost health\0\0"
        );
        var message = new byte[8 + pairs.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), 3 << 16);
        pairs.CopyTo(message, 8);
        return message;
    }

    private static string Message(ReadOnlySpan<byte> fields) =>
        Encoding.UTF8.GetString(fields).Split('\0').FirstOrDefault(field => field.StartsWith('M'))?[1..]
        ?? "Postgres refused the connection.";
}
