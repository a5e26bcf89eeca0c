using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LocalServices;

/// <summary>A stack's temporary data, deleted when the stack has
/// stopped. The next stack deletes the data of a killed one.</summary>
internal sealed class EphemeralFolder(string path, IHostApplicationLifetime lifetime) : IHostedService
{
    private const string Prefix = "aspire-sse-";

    /// <summary>The folder for the data of all stacks.</summary>
    public static string Root => Path.GetTempPath();

    public static string Create(IServiceCollection services)
    {
        foreach (var left in Directory.EnumerateDirectories(Root, Prefix + "*").Where(IsAbandoned))
            Delete(left);

        var path = Directory
            .CreateDirectory(Path.Combine(Root, $"{Prefix}{Environment.ProcessId}-{Path.GetRandomFileName()}"))
            .FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Delete(path); // after a failed start the host never stops
        services.AddHostedService(provider => new EphemeralFolder(
            path,
            provider.GetRequiredService<IHostApplicationLifetime>()
        ));

        return path;
    }

    // Deleted after the stop, not during it: only then has the orchestrator ended the servers that write here.
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopped.Register(() => Delete(path));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static bool IsAbandoned(string folder)
    {
        var owner = Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
        // Waits a minute, because the servers of a killed stack take some seconds to end.
        return int.TryParse(owner, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && !IsRunning(id)
            && TimeProvider.System.GetUtcNow() - Directory.GetLastWriteTimeUtc(folder) > TimeSpan.FromMinutes(1);
    }

    private static bool IsRunning(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It belongs to another user or is being deleted by another start; both are fine.
        }
    }
}
