using System.Globalization;

namespace LocalServices.Postgres;

/// <summary>Handles a stale postmaster.pid: Postgres refuses to start while the
/// process in that file lives. After a crash the id may belong to another program,
/// and after `kill -9` of the AppHost the old server may still be stopping.</summary>
internal static class PostmasterLock
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    public static void Release(string data)
    {
        var file = Path.Combine(data, "postmaster.pid");
        for (var waited = TimeSpan.Zero; Owner(file) is { } id; waited += TimeSpan.FromMilliseconds(100))
        {
            // Another user's process, or a system without /proc; only Postgres itself can decide then.
            if (!OperatingSystem.IsLinux() || WorksIn(id) is not { } folder)
            {
                if (OperatingSystem.IsLinux() && !Directory.Exists($"/proc/{id}"))
                    File.Delete(file);

                return;
            }

            // The process may reach the folder by another path: a link, or a mount.
            if (folder != data && IsSame($"/proc/{id}/cwd", data) is var same and not true)
            {
                if (same is false)
                    File.Delete(file);

                return;
            }

            if (waited == TimeSpan.Zero)
                Console.WriteLine(
                    $"Postgres: waiting for an earlier server (process {id}), which still uses this folder's data"
                );

            if (waited >= Timeout)
                throw new LocalServicesException(
                    $"A stack of this folder is already running (Postgres is process {id}). "
                        + $"Stop it, or start a second, empty one beside it: {LocalServicesOptions.SecondStack}"
                );

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

    /// <summary>Compares two folders as the file system does. Returns null if that fails.</summary>
    private static bool? IsSame(string folder, string other) =>
        Command.Run("sh", ["-c", "[ \"$0\" -ef \"$1\" ]", folder, other]) switch
        {
            { ExitCode: 0 } => true,
            { ExitCode: 1 } => false,
            _ => null,
        };

    /// <summary>Returns the working directory of a process, which for Postgres is its data directory.</summary>
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
