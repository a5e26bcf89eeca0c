using System.Security.Cryptography;

namespace LocalServices;

internal static class Secret
{
    /// <summary>Creates a secret of letters and digits, safe in
    /// connection strings, configuration files and SQL.</summary>
    public static string Create() =>
        RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 32);

    /// <summary>Replaces the file by one that only its owner can read.</summary>
    public static void Write(string file, string text)
    {
        File.Delete(file);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };

        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

        using var writer = new StreamWriter(file, options);
        writer.Write(text);
    }
}
