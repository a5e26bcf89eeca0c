namespace LocalServices;

/// <summary>A program as this machine has it, or else as Debian's package has it, unpacked into a folder of the
/// clone.</summary>
/// <param name="File">What to start.</param>
/// <param name="Libraries">Its LD_LIBRARY_PATH; null where the machine's libraries serve.</param>
internal sealed record LocalProgram(string File, string? Libraries)
{
    /// <param name="tools">The folder that programs are unpacked to; made where there is none.</param>
    /// <param name="what">Its name for people; in lower case the folder's.</param>
    /// <param name="names">What it may be called: on the path, or as a whole path.</param>
    /// <param name="version">The argument by which it says that it runs.</param>
    /// <param name="packages">What to unpack where there is none of them.</param>
    /// <param name="unpacked">Where it lies in what was unpacked.</param>
    /// <param name="otherwise">What to do where that does not work either.</param>
    /// <exception cref="LocalServicesException">There is none, and it could not be fetched.</exception>
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
        {
            return found;
        }

        using var installing = FolderLock.Take(Directory.CreateDirectory(tools).FullName, what);
        if (Installed() is null)
        {
            DebianPackages.Unpack(what, packages, folder, otherwise);
        }

        return Installed() ?? throw new LocalServicesException($"{what} was unpacked but does not run. {otherwise}");

        // Asked: a program whose libraries are missing is none.
        LocalProgram? Installed() =>
            names
                .Select(name => new LocalProgram(name, null))
                .Append(new LocalProgram(Path.Combine(folder, unpacked), DebianPackages.Libraries(folder)))
                .FirstOrDefault(program =>
                    Command.Run(program.File, [version], libraries: program.Libraries) is { ExitCode: 0 }
                );
    }
}
