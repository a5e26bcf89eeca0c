using LocalServices;

namespace Unit.Redis;

/// <summary>
/// The machine's Redis, or one fetched as the AppHost does. A fixture, so that no test's time limit counts a download,
/// and a thread of its
/// own, since fetching blocks for as long as the download takes and the pool has as few threads as the machine has
/// cores.
///</summary>
public sealed class RedisProgram : IAsyncLifetime
{
    private LocalProgram? _program;
    private string _missing = "";

    public ValueTask InitializeAsync() =>
        new(
            Task.Factory.StartNew(Find, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
        );

    /// <summary>Starts a server; skips the test if Redis is not installed and cannot be downloaded.</summary>
    internal RedisProcess Start(int port = 0, params string[] options)
    {
        Assert.SkipWhen(_program is null, _missing);
        return RedisProcess.Start(_program!, port, options);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Find()
    {
        try
        {
            _program = global::LocalServices.Redis.LocalRedis.Find(Path.Combine(Repository.Root, ".local", "tools"));
        }
        catch (LocalServicesException e)
        {
            _missing = e.Message;
        }
    }
}
