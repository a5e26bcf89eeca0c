using Harness;

namespace Benchmarks.Servers;

/// <summary>The process of a <see cref="PlainServer"/>.</summary>
internal sealed class PlainPeer : Peer
{
    private readonly ChildProcess _server;
    private readonly string _folder;

    private PlainPeer(ChildProcess server, string folder, ServerProbe probe, int port)
        : base("plain ASP.NET", new Uri($"http://127.0.0.1:{port}")) =>
        (_server, _folder, Probe) = (server, folder, probe);

    public override Uri Subscribe(string topic) => new(Address, "/sse");

    public override Uri Publish => new(Address, "/pub");
    public override IReadOnlyList<int> Front => _server.Processes;
    public override ServerProbe Probe { get; }

    public override async Task<Peer> StartAnotherAsync(CancellationToken cancellationToken) =>
        await StartAsync(cancellationToken);

    public static async Task<PlainPeer> StartAsync(CancellationToken cancellationToken)
    {
        var (folder, port) = (Directory.CreateTempSubdirectory("plain-").FullName, FreePort());
        var probe = new ServerProbe(Path.Combine(folder, "probe"));
        // The default of Microsoft.NET.Sdk.Web.
        var environment = new Dictionary<string, string>(probe.Environment) { ["DOTNET_gcServer"] = "1" };
        var peer = new PlainPeer(
            ChildProcess.Start(
                "The plain server",
                ["dotnet", typeof(PlainPeer).Assembly.Location, "plain", $"http://127.0.0.1:{port}"],
                environment
            ),
            folder,
            probe,
            port
        );
        try
        {
            await peer._server.WaitUntilAsync(
                () => AnswersAsync(new Uri(peer.Address, "/alive"), cancellationToken),
                cancellationToken
            );
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
        return peer;
    }

    public override async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
