namespace LocalServices;

/// <summary>A program installed on this machine, or unpacked from a Debian package into a folder of the
/// clone.</summary>
/// <param name="File">The program's path.</param>
/// <param name="Libraries">Its LD_LIBRARY_PATH, or null for the machine's own libraries.</param>
internal sealed record LocalProgram(string File, string? Libraries)
{
    /// <param name="tools">The folder that programs are unpacked to; created if needed.</param>
    /// <param name="what">The program's name in messages; in lower case, its folder's name.</param>
    /// <param name="names">Possible names, to be found on the path, or absolute paths.</param>
    /// <param name="version">The argument that makes the program print its version.</param>
    /// <param name="packages">The packages to unpack when the program is not installed.</param>
    /// <param name="unpacked">The program's path within the unpacked packages.</param>
    /// <param name="otherwise">The advice when the packages cannot be unpacked either.</param>
    /// <exception cref="LocalServicesException">The program is not installed and could not be downloaded.</exception>
    public static LocalProgram Find(
        string tools,
        string what,
        string[] names,
        string version,
        string[] packages,
        string unpacked,
        string otherwise
    )
    {
        var folder = Path.Combine(tools, what.ToLowerInvariant());
        if (Installed() is { } found)
            return found;

        using var installing = FolderLock.Take(Directory.CreateDirectory(tools).FullName, what);

        if (Installed() is null)
            DebianPrograms.Unpack(what, packages, folder, otherwise);

        return Installed() ?? throw new LocalServicesException($"{what} was unpacked but does not run. {otherwise}");

        // The program is run, because it may exist without its libraries.
        LocalProgram? Installed() =>
            names
                .Select(name => new LocalProgram(name, null))
                .Append(new LocalProgram(Path.Combine(folder, unpacked), DebianPrograms.Libraries(folder)))
                .FirstOrDefault(program =>
                    Command.Run(program.File, [version], libraries: program.Libraries) is { ExitCode: 0 }
                );
    }
}
