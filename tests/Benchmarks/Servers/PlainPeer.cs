using Harness;

namespace Benchmarks.Servers;

/// <summary>The process of a <see cref="PlainServer"/>.</summary>
internal sealed class PlainPeer : Peer
{
    private PlainPeer(Uri address, SystemProcess server, string folder, ServerProbe probe)
        : base("plain ASP.NET", address, () => server.Processes, server, folder) => Probe = probe;

    public override Uri Subscribe(string topic) => new(Address, "/sse");

    public override Uri Publish => new(Address, "/pub");
    public override ServerProbe Probe { get; }

    public override async Task<Peer> StartAnotherAsync(CancellationToken cancellationToken) =>
        await StartAsync(cancellationToken);

    public static Task<PlainPeer> StartAsync(CancellationToken cancellationToken)
    {
        var address = FreeAddress();
        var folder = Directory.CreateTempSubdirectory("plain-").FullName;
        var probe = new ServerProbe(Path.Combine(folder, "probe"));
        var server = new SystemProcess(
            "The plain server",
            ["dotnet", typeof(PlainPeer).Assembly.Location, "plain", address.GetLeftPart(UriPartial.Authority)],
            token => AnswersAsync(new Uri(address, "/alive"), token),
            // The default of Microsoft.NET.Sdk.Web.
            new Dictionary<string, string>(probe.Environment) { ["DOTNET_gcServer"] = "1" }
        );

        return StartedAsync(new PlainPeer(address, server, folder, probe), server, cancellationToken);
    }
}
