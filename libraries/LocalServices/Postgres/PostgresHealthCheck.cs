using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace LocalServices.Postgres;

/// <summary>
/// Connects up to the password request. A server that is starting, recovering or full refuses before that.
/// </summary>
internal sealed class PostgresHealthCheck(int port) : LoopbackHealthCheck("Postgres", port)
{
    protected override async Task<string?> ProblemAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(StartupMessage(), cancellationToken);
        var answer = new byte[1024];
        var length = await stream.ReadAsync(answer, cancellationToken);

        // 'R' requests authentication. 'E' is an error with zero-terminated fields, each after a letter (M: message).
        return length > 0 && answer[0] == (byte)'R' ? null
            : length > 5 && answer[0] == (byte)'E' ? Message(answer.AsSpan(5, length - 5))
            : "Postgres closed the connection.";
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
