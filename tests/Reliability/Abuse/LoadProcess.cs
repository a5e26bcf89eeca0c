using System.Diagnostics;
using System.Net.Sockets;
using Measuring;

namespace Reliability.Abuse;

/// <summary>A separate process that produces the load in time that nobody else wants. Its own CPU and memory are not
/// part of the measurement, as if it ran on another machine.</summary>
internal sealed class LoadProcess : IDisposable
{
    /// <summary>The first argument of the load process; the abuse's name and the replicas' addresses follow.</summary>
    public const string Argument = "--load";

    private static readonly TimeSpan Rehearsal = TimeSpan.FromSeconds(5);

    private readonly Process _process;

    private LoadProcess(Process process) => _process = process;

    /// <summary>Starts the process, which prepares the abuse and then waits.</summary>
    public static async Task<LoadProcess> StartAsync(
        AbuseCase abuse,
        AbuseTarget target,
        CancellationToken cancellationToken
    )
    {
        var start = new ProcessStartInfo(
            // SCHED_IDLE (sched(7)): with nice 19 the load still has a share of processors that the system wants.
            "chrt",
            [
                "--idle",
                "0",
                "dotnet",
                typeof(LoadProcess).Assembly.Location,
                Argument,
                abuse.Name,
                .. target.Replicas.Select(r => r.ToString()),
            ]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        // Only the load generator may have it (GeneratorProcess).
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS");

        var load = new LoadProcess(
            Process.Start(start) ?? throw new InvalidOperationException("The load process did not start.")
        );
        await load._process.StandardOutput.ReadLineAsync(cancellationToken);
        return load;
    }

    /// <summary>Processor time used so far.</summary>
    public double CpuSeconds => ProcessTable.CpuSeconds(_process.Id);

    /// <summary>Threads that it has.</summary>
    public int Threads => Directory.GetDirectories($"/proc/{_process.Id}/task").Length;

    /// <summary>Runs the load until cancelled, or until a load that ends by itself has finished. Returns its result
    /// line.</summary>
    public async Task<string> RunAsync(CancellationToken over)
    {
        Say("begin");
        await using (over.Register(() => Say("end")))
            return await _process.StandardOutput.ReadLineAsync(CancellationToken.None)
                ?? "**the load process has died**";
    }

    /// <summary>Entry point of the load process. It exits when its standard input is closed.</summary>
    public static async Task<int> MainAsync(string name, IEnumerable<string> replicas)
    {
        var abuse = BurnedTime.Find(name) ?? AbuseCatalog.All.Single(a => a.Name == name);
        var target = new AbuseTarget([.. replicas.Select(r => new Uri(r))]);
        if (abuse.Prepare is { } prepare)
            await prepare(target);

        if (abuse.IsRehearsed)
        {
            using var rehearsal = new CancellationTokenSource(Rehearsal);
            await DoAsync(abuse, target, rehearsal.Token);
        }

        await Console.Out.WriteLineAsync("ready");
        if (await Console.In.ReadLineAsync() is null)
            return 0;

        using var over = new CancellationTokenSource();
        var ended = Task.Run(async () =>
        {
            await Console.In.ReadLineAsync();
            await over.CancelAsync();
            await Console.In.ReadLineAsync();
        });
        await Console.Out.WriteLineAsync(await DoAsync(abuse, target, over.Token));
        await ended;

        return 0;
    }

    private static async Task<string> DoAsync(AbuseCase abuse, AbuseTarget target, CancellationToken over)
    {
        try
        {
            return await abuse.Do(target, over);
        }
        catch (SocketException e)
        {
            return $"**{e.Message}**";
        }
    }

    private void Say(string word)
    {
        try
        {
            _process.StandardInput.WriteLine(word);
            _process.StandardInput.Flush();
        }
        catch (IOException) { } // the process has died
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException) { }

        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
            _process.Kill();

        _process.Dispose();
    }
}
