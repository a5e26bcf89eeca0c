using Harness.Worlds;
using LocalServices;

namespace Reliability;

/// <summary>
/// Sets the clock of single processes with libfaketime (a Debian package, fetched like the stores), from one file with
/// the offset for each process. The monotonic clock keeps running, as when an administrator or NTP sets the clock.
/// </summary>
internal sealed class FalseClock : IDisposable
{
    private readonly string _library;
    private readonly string _folder;

    private FalseClock(string library, string folder) => (_library, _folder) = (library, folder);

    public static FalseClock Find()
    {
        try
        {
            var target = Path.Combine(StoreServer.Folder(isEphemeral: false).Tools, "faketime");
            if (Library("/usr/lib") is null && Library(Path.Combine(target, "usr", "lib")) is null)
                DebianPrograms.Unpack("libfaketime", ["libfaketime"], target, "Install libfaketime.");

            var library =
                Library("/usr/lib")
                ?? Library(Path.Combine(target, "usr", "lib"))
                ?? throw new NotDoneException("needs libfaketime");
            // Postgres runs as another user, who must be able to read it.
            var folder = Directory.CreateTempSubdirectory("reliability-clock-").FullName;

            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);

            File.Copy(library, Path.Combine(folder, Path.GetFileName(library)));
            return new FalseClock(Path.Combine(folder, Path.GetFileName(library)), folder);
        }
        catch (LocalServicesException e)
        {
            throw new NotDoneException($"needs libfaketime: {e.Message.Split('\n')[0]}");
        }
    }

    public Dictionary<string, string> For(string process)
    {
        Set(process, TimeSpan.Zero);
        return new Dictionary<string, string>
        {
            ["LD_PRELOAD"] = _library,
            ["FAKETIME_TIMESTAMP_FILE"] = FileOf(process),
            ["FAKETIME_CACHE_DURATION"] = "1",
            ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
            ["DONT_FAKE_MONOTONIC"] = "1",
        };
    }

    public void Set(string process, TimeSpan offset) =>
        File.WriteAllText(
            FileOf(process),
            FormattableString.Invariant($"{(offset < TimeSpan.Zero ? "" : "+")}{offset.TotalSeconds:F0}")
        );

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string FileOf(string process) => Path.Combine(_folder, process.Replace(' ', '-'));

    private static string? Library(string folder) =>
        Directory.Exists(folder)
            ? Directory
                .EnumerateDirectories(folder, "*-linux-*")
                .Select(d => Path.Combine(d, "faketime", "libfaketimeMT.so.1"))
                .FirstOrDefault(File.Exists)
            : null;
}
