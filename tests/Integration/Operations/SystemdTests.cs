using System.Net.Sockets;
using System.Text;
using Harness;

namespace Integration.Operations;

/// <summary>A service in a unit of <c>Type=notify</c>: it tells systemd its state on a datagram socket
/// (sd_notify(3)).</summary>
public sealed class SystemdTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("systemd-").FullName;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    [Fact]
    public async Task A_unit_is_ready_when_the_service_listens_and_stopping_when_it_ends()
    {
        // A service takes a parent of this name for systemd.
        var parent = Path.Combine(_folder, "systemd");
        await File.WriteAllTextAsync(parent, "#!/bin/sh\n\"$@\"\nexit $?\n", TestContext.Current.CancellationToken);

        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(parent, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var socket = Path.Combine(_folder, "notify");
        _socket.Bind(new UnixDomainSocketEndPoint(socket));
        var url = $"http://127.0.0.1:{FreePort.Take()}";
        await using var service = ChildProcess.Start(
            "WebFrontend",
            [parent, "dotnet", Frontend, "--urls", url],
            new Dictionary<string, string>
            {
                ["NOTIFY_SOCKET"] = socket,
                ["StreamApi__PublicUrl"] = "http://127.0.0.1:9",
            },
            folder: Path.GetDirectoryName(Frontend)
        );

        Assert.Equal("READY=1", await ToldAsync(service));
        using var http = new HttpClient();
        using var alive = await http.GetAsync(new Uri(url + "/alive"), TestContext.Current.CancellationToken);

        alive.EnsureSuccessStatusCode();

        Signals.Send(service.Processes[^1], Signals.Terminate);
        Assert.Equal("STOPPING=1", await ToldAsync(service));
    }

    private static string Frontend { get; } = ServiceProcess.PathOf("WebFrontend");

    private async Task<string> ToldAsync(ChildProcess service)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var datagram = new byte[256];
        try
        {
            var length = await _socket.ReceiveAsync(datagram, limit.Token);
            return Encoding.ASCII.GetString(datagram, 0, length).Trim();
        }
        catch (OperationCanceledException)
        {
            return "nothing; the service printed:\n" + service.Output;
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
