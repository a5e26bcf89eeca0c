using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Benchmarks.Machine;

/// <summary>Asks a .NET server that we started what only it knows; see <see cref="StartupHook"/>.</summary>
internal sealed class ServerProbe(string path)
{
    /// <summary>The environment that a server must be started with.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; } =
        new Dictionary<string, string>
        {
            ["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location,
            [StartupHook.Variable] = path,
        };

    /// <summary>Bytes that the process has allocated since its start.</summary>
    public long Allocated() => Ask('a');

    /// <summary>How long it has compiled since its start, on all threads.</summary>
    public TimeSpan Compiled() => TimeSpan.FromMilliseconds(Ask('c'));

    private long Ask(char question)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        socket.Send([(byte)question]);
        var answer = new byte[32];
        var length = socket.Receive(answer);
        return long.Parse(Encoding.ASCII.GetString(answer, 0, length).TrimEnd('\n'), CultureInfo.InvariantCulture);
    }
}
