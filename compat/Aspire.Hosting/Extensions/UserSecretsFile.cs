// Part of the stand-in for Aspire.Hosting: passwords that are kept in the user secrets. Not affiliated with Microsoft.
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Aspire.Hosting;

internal static class UserSecretsFile
{
    private static readonly JsonDocumentOptions AsConfiguration = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>Returns the file's value, or adds this one. Starts at the same time agree on one value, and only the
    /// file's owner can read it.</summary>
    public static string GetOrAdd(string file, string key, string value)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using var adding = Lock(file + ".lock");
        var all = File.Exists(file)
            ? JsonNode.Parse(File.ReadAllText(file), documentOptions: AsConfiguration)!.AsObject()
            : [];
        if ((string?)all[key] is { } kept)
            return kept;
        all[key] = value;
        Replace(file, all.ToJsonString());
        return value;
    }

    private static FileStream Lock(string file)
    {
        while (true)
        {
            if (FileLock.TryTake(file) is { } taken)
                return taken;
            Thread.Sleep(TimeSpan.FromMilliseconds(20));
        }
    }

    // One rename, so that a reader never sees half a file.
    private static void Replace(string file, string text)
    {
        var written = file + ".new";
        File.Delete(written);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var writer = new StreamWriter(written, options))
            writer.Write(text);
        File.Move(written, file, overwrite: true);
    }
}
