using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Microsoft.Extensions.Hosting;

/// <summary>The argument <c>health</c>, by which a container without a shell checks the running service.</summary>
public static class HealthProbe
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(4);

    public static bool IsWanted(string[] args) => args is ["health"];

    /// <summary>Returns 0 if <c>/health</c> on the HTTP port of <c>ASPNETCORE_URLS</c> answers 200, else 1.</summary>
    public static int Run() => Ask(PortOf(Environment.GetEnvironmentVariable("ASPNETCORE_URLS")));

    internal static int PortOf(string? urls)
    {
        var url = urls?.Split(';').FirstOrDefault(u => u.StartsWith("http://", StringComparison.OrdinalIgnoreCase));
        // `http://+:8080` is not a valid URI.
        return url is not null && int.TryParse(url[(url.LastIndexOf(':') + 1)..].TrimEnd('/'), out var port)
            ? port
            : 8080;
    }

    internal static int Ask(int port)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveTimeout = (int)Timeout.TotalMilliseconds,
            SendTimeout = (int)Timeout.TotalMilliseconds,
        };
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            socket.Send(
                Encoding.ASCII.GetBytes("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            );

            var answer = new byte[64];
            var read = 0;
            for (int more; read < 12 && (more = socket.Receive(answer.AsSpan(read))) > 0; )
                read += more;

            var line = Encoding.ASCII.GetString(answer, 0, read); // HTTP/1.1 200 OK
            Console.WriteLine(line.Split('\r')[0]);
            return line.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) ? 0 : 1;
        }
        catch (SocketException e)
        {
            Console.WriteLine(e.Message);
            return 1;
        }
    }
}
