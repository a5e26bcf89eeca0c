using System.Globalization;

namespace LocalServices.Postgres;

/// <summary>
/// Postgres writes its process id into postmaster.pid and refuses to start while that process lives. After a crash the
/// id may
/// belong to some other program by now, and after `kill -9` of the AppHost the old server may still be shutting down.
/// </summary>
internal static class PostmasterLock
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    public static void Release(string data)
    {
        var file = Path.Combine(data, "postmaster.pid");
        for (var waited = TimeSpan.Zero; Owner(file) is { } id; waited += TimeSpan.FromMilliseconds(100))
        {
            // Of a process that is not ours to look at, and where there is no /proc, only Postgres itself can judge.
            if (!OperatingSystem.IsLinux() || WorksIn(id) is not { } folder)
            {
                if (OperatingSystem.IsLinux() && !Directory.Exists($"/proc/{id}"))
                {
                    File.Delete(file);
                }

                return;
            }

            if (folder != data)
            {
                File.Delete(file);
                return;
            }

            if (waited == TimeSpan.Zero)
            {
                Console.WriteLine(
                    $"Postgres: an earlier one (process {id}) is still running on this clone's data, waiting for its end"
                );
            }

            if (waited >= Timeout)
            {
                throw new LocalServicesException(
                    $"A stack of this clone is running already (Postgres is process {id}). "
                        + $"Stop that one, or start a second, empty one beside it: {LocalServicesOptions.SecondStack}"
                );
            }

            Thread.Sleep(TimeSpan.FromMilliseconds(100));
        }
    }

    private static int? Owner(string file)
    {
        try
        {
            return int.TryParse(
                File.ReadLines(file).FirstOrDefault(),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var id
            )
                ? id
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Postgres's working directory is its data directory.</summary>
    private static string? WorksIn(int id)
    {
        try
        {
            return Directory.ResolveLinkTarget($"/proc/{id}/cwd", returnFinalTarget: false)?.FullName;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
