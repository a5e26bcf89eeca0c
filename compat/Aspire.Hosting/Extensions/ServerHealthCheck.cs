// Part of the stand-in for Aspire.Hosting.PostgreSQL and Aspire.Hosting.Redis, whose AddPostgres and AddRedis bring a
// health check. Not affiliated with Microsoft.
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

/// <summary>Asks a container's server for its first answer. A container runs before its server does, and DCP's proxy
/// accepts connections for it.</summary>
/// <param name="endpoint">The address of the server.</param>
/// <param name="question">The bytes that a client sends first.</param>
/// <param name="answers">The first letters of the answers of a server that is ready.</param>
internal sealed class ServerHealthCheck(EndpointReference endpoint, string question, string answers) : IHealthCheck
{
    // Length, version 3.0, pairs of texts, a zero. 'R' requests authentication; 'E' is an error, as during recovery.
    // https://www.postgresql.org/docs/current/protocol-message-formats.html
    private const string Startup = "\0\0\0\u0017\0\u0003\0\0user\0postgres\0\0";

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        using var client = new TcpClient();
        await client.ConnectAsync(endpoint.Host, endpoint.Port, cancellationToken);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(question), cancellationToken);
        var answer = new byte[1];
        return await client.GetStream().ReadAsync(answer, cancellationToken) == 1 && answers.Contains((char)answer[0])
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy($"The server at {endpoint.Host}:{endpoint.Port} is not ready.");
    }

    public static IResourceBuilder<PostgresServerResource> Add(IResourceBuilder<PostgresServerResource> postgres) =>
        Add(postgres, new ServerHealthCheck(postgres.GetEndpoint("tcp"), Startup, "R"));

    // Without a password Redis answers -NOAUTH, when it answers at all.
    public static IResourceBuilder<RedisResource> Add(IResourceBuilder<RedisResource> redis) =>
        Add(redis, new ServerHealthCheck(redis.GetEndpoint("tcp"), "PING\r\n", "+-"));

    private static IResourceBuilder<T> Add<T>(IResourceBuilder<T> server, ServerHealthCheck check)
        where T : IResource
    {
        var key = $"{server.Resource.Name}_check";
        server.ApplicationBuilder.Services.AddHealthChecks().AddCheck(key, check);
        return server.WithHealthCheck(key);
    }
}
