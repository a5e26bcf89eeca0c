namespace LocalServices;

/// <summary>A lock of a folder for one process at a time. It ends with its process, even after a crash.</summary>
internal static class FolderLock
{
    /// <summary>Waits while another process holds the lock.</summary>
    /// <exception cref="LocalServicesException">The file cannot be opened: a full disk, a missing folder.</exception>
    public static FileStream Take(string folder, string what)
    {
        for (var waits = 0; ; waits++)
        {
            if (TryTake(folder, what) is { } taken)
                return taken;

            if (waits == 10)
                Console.WriteLine(
                    $"{what}: waiting for another start, which is preparing it and holds {File(folder, what)}"
                );

            Thread.Sleep(TimeSpan.FromMilliseconds(100));
        }
    }

    /// <summary>Returns null while another process holds the lock.</summary>
    /// <exception cref="LocalServicesException">The file cannot be opened: a full disk, a missing folder.</exception>
    public static FileStream? TryTake(string folder, string what)
    {
        try
        {
            return new FileStream(File(folder, what), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (IsHeld(exception))
        {
            return null;
        }
        catch (IOException exception)
        {
            throw new LocalServicesException($"{File(folder, what)} cannot be opened: {exception.Message}");
        }
        catch (UnauthorizedAccessException)
        {
            throw new LocalServicesException(
                $"{folder} belongs to another user. "
                    + "Start the stack as that user, or remove the folder with its data."
            );
        }
    }

    private static string File(string folder, string what) => Path.Combine(folder, $"{what}.lock");

    /// <summary>Tells a held lock (EWOULDBLOCK of Linux and macOS, ERROR_SHARING_VIOLATION of Windows) from
    /// errors that waiting does not end.</summary>
    private static bool IsHeld(IOException exception) =>
        exception.HResult
        == (
            OperatingSystem.IsWindows() ? unchecked((int)0x80070020)
            : OperatingSystem.IsMacOS() ? 35
            : 11
        );
}
