using Microsoft.Extensions.Hosting;

namespace LocalServices;

/// <summary>Keeps other stacks from a container's volume while this one lives. Two Postgres servers in containers do
/// not notice each other, and together they destroy the data.</summary>
internal sealed class VolumeLock : IHostedService, IDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(20);
    private readonly FileStream _file;

    private VolumeLock(FileStream file) => _file = file;

    /// <param name="folder">The clone's folder for the lock file; created if needed.</param>
    /// <param name="volume">The name of the volume.</param>
    /// <param name="runtime">Lists the containers that use the volume. Those of a killed stack take some seconds to
    /// end.</param>
    /// <param name="timeout">The time that those containers have to end.</param>
    /// <exception cref="LocalServicesException">Another stack uses the volume.</exception>
    public static VolumeLock Take(string folder, string volume, ContainerRuntime runtime, TimeSpan? timeout = null)
    {
        var file =
            FolderLock.TryTake(Directory.CreateDirectory(folder).FullName, "containers")
            ?? throw InUse("A stack of this folder is already running in containers.");
        try
        {
            var left = timeout ?? StopTimeout;

            for (var pause = TimeSpan.FromMilliseconds(500); runtime.UsersOf(volume) is [var user, ..]; left -= pause)
            {
                if (left <= TimeSpan.Zero)
                    throw InUse($"The container {user} uses the volume {volume}.");

                if (left == (timeout ?? StopTimeout))
                    Console.WriteLine($"Postgres: waiting for the container {user}, which uses the volume {volume}");

                Thread.Sleep(pause);
            }

            return new VolumeLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Releases the lock. The host disposes its services after it has stopped the containers.</summary>
    public void Dispose() => _file.Dispose();

    private static LocalServicesException InUse(string by) =>
        new($"{by} Stop it, or start a second, empty stack beside it: {LocalServicesOptions.SecondStack}");
}
