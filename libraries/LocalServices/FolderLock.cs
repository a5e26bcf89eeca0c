namespace LocalServices;

/// <summary>One process at a time; the lock goes with its process, however that ends.</summary>
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
                {
                    Console.WriteLine($"{what}: another start is preparing it, waiting");
                }

                Thread.Sleep(TimeSpan.FromMilliseconds(100));
            }
            catch (UnauthorizedAccessException)
            {
                throw new LocalServicesException(
                    $"{folder} belongs to another user. Start the stack as that user, or remove the folder (its data with it)."
                );
            }
        }
    }
}
