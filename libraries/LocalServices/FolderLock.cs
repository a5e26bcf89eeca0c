namespace LocalServices;

/// <summary>Allows one process at a time. The lock ends with its process, even after a crash.</summary>
internal static class FolderLock
{
    public static FileStream Take(string folder, string what)
    {
        for (var waits = 0; ; waits++)
        {
            try
            {
                return new FileStream(
                    Path.Combine(folder, $"{what}.lock"),
                    FileMode.OpenOrCreate,
                    FileAccess.ReadWrite,
                    FileShare.None
                );
            }
            catch (IOException)
            {
                if (waits == 10)
                    Console.WriteLine($"{what}: waiting for another start, which is preparing it");

                Thread.Sleep(TimeSpan.FromMilliseconds(100));
            }
            catch (UnauthorizedAccessException)
            {
                throw new LocalServicesException(
                    $"{folder} belongs to another user. "
                        + "Start the stack as that user, or remove the folder with its data."
                );
            }
        }
    }
}
