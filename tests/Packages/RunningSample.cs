using Harness;

namespace Packages;

/// <summary>A sample as a process of its own, with a database of its own.</summary>
internal sealed class RunningSample : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private RunningSample(ChildProcess process, Uri address)
    {
        _process = process;
        Client = new HttpClient { BaseAddress = address };
    }

    public HttpClient Client { get; }

    public Uri Address => Client.BaseAddress!;

    public string Output => _process.Output;

    public int Pid => _process.Processes[0];

    /// <param name="program">The built sample; its page is in the folder of its project.</param>
    /// <param name="eventStore">The connection string of its database.</param>
    public static async Task<RunningSample> StartAsync(string program, string eventStore)
    {
        var address = new Uri($"http://localhost:{FreePort.Take()}");
        var process = ChildProcess.Start(
            Path.GetFileName(program),
            [program],
            new Dictionary<string, string>
            {
                ["ASPNETCORE_URLS"] = address.ToString(),
                ["ConnectionStrings__eventstore"] = eventStore,
            },
            folder: Path.GetFullPath(Path.Combine(Path.GetDirectoryName(program)!, "..", "..", ".."))
        );
        var sample = new RunningSample(process, address);
        await Eventually.HoldsAsync(
            async () => (await sample.Client.GetAsync(new Uri("/", UriKind.Relative))).IsSuccessStatusCode,
            state: () => process.Output
        );

        return sample;
    }

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        return _process.DisposeAsync();
    }
}
