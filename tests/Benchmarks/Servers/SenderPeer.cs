using Harness;
using LocalServices;
using Measuring;

namespace Benchmarks.Servers;

/// <summary>The least that a delivery costs: <c>sender.c</c>, compiled here, calls <c>send</c> and nothing else.
/// </summary>
internal sealed class SenderPeer : Peer
{
    public const string Title = "bare C";

    private static readonly string Program = Path.Combine(Repository.Root, "artifacts", "sender");

    private static readonly string Source = Path.Combine(Repository.Root, "tests", "Benchmarks", "Servers", "sender.c");

    private SenderPeer(Uri address, SystemProcess sender, string folder)
        : base(Title, address, () => sender.Processes, sender, folder) { }

    /// <summary>Compiles the program. Returns null, or the reason why it cannot be measured here.</summary>
    public static string? Compile() =>
        Command.Run("gcc", ["-O2", "-o", Program, Source]) switch
        {
            { ExitCode: 0 } => null,
            var failed => $"It does not compile ({failed?.Output ?? "there is no gcc"}). "
                + "Install a C compiler (Debian, Ubuntu: sudo apt-get install -y gcc libc6-dev).",
        };

    public override async Task<Peer> StartAnotherAsync(CancellationToken cancellationToken) =>
        await StartAsync(cancellationToken);

    public static Task<SenderPeer> StartAsync(CancellationToken cancellationToken)
    {
        var address = FreeAddress();
        var folder = Directory.CreateTempSubdirectory("sender-").FullName;
        var sender = new SystemProcess(
            "The C sender",
            [Program, $"{address.Port}"],
            _ => Task.FromResult(ProcessTable.ListenerOf(address.Port) is not null),
            folder: folder
        );

        return StartedAsync(new SenderPeer(address, sender, folder), sender, cancellationToken);
    }
}
