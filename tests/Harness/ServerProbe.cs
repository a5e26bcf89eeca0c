using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Harness;

/// <summary>Reads values from inside a .NET server that this process started; see <see cref="StartupHook"/>.</summary>
internal sealed class ServerProbe(string path)
{
    /// <summary>The environment variables that the server must be started with.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; } =
        new Dictionary<string, string>
        {
            ["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location,
            [StartupHook.Variable] = path,
        };

    /// <summary>Returns the bytes that the process has allocated since its start.</summary>
    public long Allocated() => Ask('a');

    /// <summary>Returns the time spent on JIT compilation since the start, on all threads.</summary>
    public TimeSpan Compiled() => TimeSpan.FromMilliseconds(Ask('c'));

    /// <summary>Returns the pages that StreamApi has read from the store since this was first asked.</summary>
    public long PagesRead() => Ask('r');

    /// <summary>Returns the number of exceptions that were thrown since the start, caught ones too.</summary>
    public long Thrown() => Ask('t');

    /// <summary>Returns how often a thread of the process has slept and been woken since the start.</summary>
    public long WokenUp() => Ask('w');

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
