using System.Diagnostics;
using Npgsql;

namespace Browser.Tests;

/// <summary>One more StreamApi on the stack's stores, which a test may kill without taking it from the others.</summary>
internal sealed class ExtraReplica : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _eventStore;

    private ExtraReplica(Process process, string eventStore) => (_process, _eventStore, Name) = (process, eventStore, $"streamapi-{Environment.MachineName}-{process.Id}");

    public string Name { get; }

    public static ExtraReplica Start(string eventStore, string redis)
    {
        // artifacts/bin/Browser/<configuration>/ -> artifacts/bin/StreamApi/<configuration>/
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var folder = Path.Combine(here.Parent!.Parent!.FullName, "StreamApi", here.Name);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(folder, "StreamApi.dll"), "--urls", "http://127.0.0.1:0"]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["ConnectionStrings__eventstore"] = eventStore, ["ConnectionStrings__redis"] = redis, ["ASPNETCORE_ENVIRONMENT"] = "Development", ["Traffic__Enabled"] = "false",
        }) start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new ExtraReplica(process, eventStore);
    }

    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        // It could not say goodbye; the next test's page need not remember it.
        await using var store = NpgsqlDataSource.Create(_eventStore);
        await using var forget = store.CreateCommand("delete from eventstore.replicas where name = $1");
        forget.Parameters.AddWithValue(Name);
        await forget.ExecuteNonQueryAsync();
    }
}
