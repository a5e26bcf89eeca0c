using LocalServices;

namespace Reliability;

/// <summary>A separate disk for the store, in memory, that can be filled completely. Only root can mount it.</summary>
internal sealed class SmallDisk : IDisposable
{
    private const string Size = "192m";

    private SmallDisk(string folder) => Folder = folder;

    public string Folder { get; }
    private string Filler => Path.Combine(Folder, "filler");

    public static SmallDisk Mount()
    {
        if (!Environment.IsPrivilegedProcess)
            throw new NotDoneException("needs a separate disk to fill, which only root can mount");

        var folder = Path.Combine(EphemeralFolder.Root, $"reliability-disk-{Path.GetRandomFileName()}");
        Directory.CreateDirectory(folder);

        if (
            Command.Run("mount", ["-t", "tmpfs", "-o", $"size={Size},mode=755", "tmpfs", folder])
            is not { ExitCode: 0 } result
        )
            throw new NotDoneException("needs a separate disk to fill, and mount failed");

        return new SmallDisk(folder);
    }

    /// <summary>Fills the disk, again if space was freed since.</summary>
    public void Fill()
    {
        var block = new byte[64 * 1024];
        try
        {
            using var filler = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
            while (true)
                filler.Write(block);
        }
        catch (IOException) { }

        try
        {
            using var filler = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
            while (true)
                filler.Write(block.AsSpan(0, 4096));
        }
        catch (IOException) { }
    }

    public void Free() => File.Delete(Filler);

    public void Dispose()
    {
        Command.Run("umount", ["-l", Folder]);
        Directory.Delete(Folder);
    }
}
