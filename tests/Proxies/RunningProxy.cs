using Harness;
using LocalServices;
using Measuring;

namespace Proxies;

/// <summary>A proxy in front of a replica, as a process of its own with a folder of its own.</summary>
internal sealed class RunningProxy : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly SystemProcess _process;
    private readonly string _folder;

    private RunningProxy(ProxyProgram program, SystemProcess process, ProxyConfiguration configuration, string folder)
    {
        _process = process;
        _folder = folder;
        Url = new($"http://127.0.0.1:{configuration.Port}");
        Http2 = program.HasOwnHttp2Port switch
        {
            true => new($"http://127.0.0.1:{configuration.Http2Port}"),
            false => Url,
            null => null,
        };
    }

    public Uri Url { get; }

    /// <summary>The address at which it speaks HTTP/2 without TLS, or null if there is none.</summary>
    public Uri? Http2 { get; }

    public static async Task<RunningProxy> StartAsync(
        ProxyProgram program,
        Configured configured,
        Uri server,
        CancellationToken cancellationToken
    )
    {
        var found = program.Find();
        var folder = Directory.CreateTempSubdirectory("proxy-").FullName;
        // Some give up root's rights, and have no user of their own here.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);

        var package = found.File[..^(program.Program.Length + 1)];
        var configuration = new ProxyConfiguration(configured, package, folder, server);
        await configuration.WriteAsync(program.Package, cancellationToken);

        var process = new SystemProcess(
            program.Name,
            [found.File, .. program.Arguments.Select(configuration.Fill)],
            _ => Task.FromResult(ProcessTable.ListenerOf(configuration.Port) is not null),
            Variables(program, found, folder),
            folder: folder
        );
        var proxy = new RunningProxy(program, process, configuration, folder);

        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(StartLimit);
            await process.StartAsync(limit.Token);
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static Dictionary<string, string> Variables(ProxyProgram program, LocalProgram found, string folder)
    {
        var variables = new Dictionary<string, string>();
        if (found.Libraries is { } libraries)
            variables["LD_LIBRARY_PATH"] = libraries;
        if (program.NeedsHome)
            variables["HOME"] = folder;
        return variables;
    }
}
