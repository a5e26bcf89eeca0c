using Harness;

namespace Benchmarks.Servers;

/// <summary>The process of a <see cref="PlainServer"/>, or of the library's default (<see cref="LibraryServer"/>).
/// </summary>
internal sealed class PlainPeer : Peer
{
    public const string Library = "AddSse()";

    private readonly string _mode;

    private PlainPeer(string mode, Uri address, SystemProcess server, string folder, ServerProbe probe)
        : base(mode == "plain" ? "plain ASP.NET" : Library, address, () => server.Processes, server, folder)
    {
        _mode = mode;
        Probe = probe;
    }

    public override ServerProbe Probe { get; }

    public override async Task<Peer> StartAnotherAsync(CancellationToken cancellationToken) =>
        await StartAsync(_mode, cancellationToken);

    public static Task<PlainPeer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync("plain", cancellationToken);

    public static Task<PlainPeer> StartLibraryAsync(CancellationToken cancellationToken) =>
        StartAsync("library", cancellationToken);

    private static Task<PlainPeer> StartAsync(string mode, CancellationToken cancellationToken)
    {
        var address = FreeAddress();
        var folder = Directory.CreateTempSubdirectory("plain-").FullName;
        var probe = new ServerProbe(Path.Combine(folder, "probe"));
        var server = new SystemProcess(
            $"The {mode} server",
            ["dotnet", typeof(PlainPeer).Assembly.Location, mode, address.GetLeftPart(UriPartial.Authority)],
            token => AnswersAsync(new Uri(address, "/alive"), token),
            // The default of Microsoft.NET.Sdk.Web.
            new Dictionary<string, string>(probe.Environment) { ["DOTNET_gcServer"] = "1" }
        );

        return StartedAsync(new PlainPeer(mode, address, server, folder, probe), server, cancellationToken);
    }
}
