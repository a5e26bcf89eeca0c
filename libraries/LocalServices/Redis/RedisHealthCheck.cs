using System.Net.Sockets;
using System.Text;

namespace LocalServices.Redis;

/// <summary>Sends AUTH and PING. A Redis that accepts but does not answer (frozen, loading) is unhealthy.</summary>
internal sealed class RedisHealthCheck(int port, string password) : LoopbackHealthCheck("Redis", port)
{
    protected override async Task<string?> ProblemAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"AUTH {password}\r\nPING\r\n"), cancellationToken);
        using var answers = new StreamReader(stream, Encoding.ASCII);
        var authenticated = await answers.ReadLineAsync(cancellationToken);
        var answer = authenticated is "+OK" ? await answers.ReadLineAsync(cancellationToken) : authenticated;
        return answer is "+PONG" ? null : $"Redis answered: {answer ?? "nothing"}";
    }
}
