// Part of the stand-in for Aspire.Hosting: a lock between processes. Not affiliated with Microsoft.
namespace Aspire.Hosting;

internal static class FileLock
{
    // EWOULDBLOCK of Linux and macOS, ERROR_SHARING_VIOLATION of Windows. Waiting ends no other
    // error, such as a full disk.
    private static readonly int Held =
        OperatingSystem.IsWindows() ? unchecked((int)0x80070020)
        : OperatingSystem.IsMacOS() ? 35
        : 11;

    /// <summary>Locks the file until this process ends; returns null while another process has it.</summary>
    public static FileStream? TryTake(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e.HResult == Held)
        {
            return null;
        }
    }
}
