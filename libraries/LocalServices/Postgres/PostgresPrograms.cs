using System.Text.RegularExpressions;

namespace LocalServices.Postgres;

/// <param name="Folder">The folder with `postgres` and `initdb`.</param>
/// <param name="Libraries">The folder of the libraries that were unpacked with them, or null for the system's.</param>
internal sealed partial record PostgresPrograms(string Folder, int Major, string? Libraries)
{
    private const int OldestMajor = 14;

    public string Server => Path.Combine(Folder, "postgres");

    /// <summary>The server's own <c>psql</c>, or that on the path: a folder may link to the server alone.</summary>
    public string Shell => Path.Combine(Folder, "psql") is var own && File.Exists(own) ? own : "psql";

    public string InitDb => Path.Combine(Folder, "initdb");

    /// <param name="major">The major version that wrote the data,
    /// which no other version can read, or null without data.</param>
    public static PostgresPrograms Find(LocalFolder folder, int? major, string data)
    {
        var found = Installed(folder.Tools);
        if (found.Count == 0)
        {
            using var installing = FolderLock.Take(folder.Tools, "Postgres");
            found = Installed(folder.Tools);
            if (found.Count == 0)
            {
                DebianPrograms.Unpack(
                    "Postgres",
                    ["postgresql"],
                    Path.Combine(folder.Tools, "postgres"),
                    "Start a container runtime (Docker, Podman), install PostgreSQL (Debian, Ubuntu: sudo apt-get "
                        + "install -y postgresql), or use your own with --ConnectionStrings:eventstore=…"
                );
                found = Installed(folder.Tools);
            }
        }

        var versions = string.Join(", ", found.Select(programs => programs.Major).Distinct().Order());
        var installed = $"this machine has {(versions.Length > 0 ? versions : "none that runs")}";
        return Choose(found, major)
            ?? throw new LocalServicesException(
                major is null
                    ? $"Postgres {OldestMajor} or later is needed, and {installed}. "
                        + "Install it (Debian, Ubuntu: sudo apt-get install -y postgresql)."
                    : $"The data in {data} was written by Postgres {major}, and {installed}. "
                        + $"Install {major} (Debian, Ubuntu: sudo apt-get install -y postgresql-{major}), "
                        + $"or start empty: mv {data} {data}-{major}"
            );
    }

    internal static PostgresPrograms? Choose(IEnumerable<PostgresPrograms> found, int? major) =>
        found
            .Where(programs => major is null ? programs.Major >= OldestMajor : programs.Major == major)
            .MaxBy(programs => programs.Major);

    /// <summary>Parses the version, such as `postgres (PostgreSQL) 15.18
    /// (Debian 15.18-0+deb12u1)` or `postgres (PostgreSQL) 18beta1`.</summary>
    internal static int? ParseMajor(string version) =>
        VersionLine().Match(version) is { Success: true } match
            ? int.Parse(match.Groups[1].ValueSpan, provider: null)
            : null;

    private static List<PostgresPrograms> Installed(string tools) =>
        [
            .. Folders(tools)
                .Distinct()
                .Where(folder =>
                    File.Exists(Path.Combine(folder, "postgres")) && File.Exists(Path.Combine(folder, "initdb"))
                )
                .Select(folder =>
                {
                    var libraries = folder.StartsWith(tools, StringComparison.Ordinal)
                        ? DebianPrograms.Libraries(Path.Combine(tools, "postgres"))
                        : null;
                    // The program is run, because it may exist without its libraries.
                    var version = Command.Run(Path.Combine(folder, "postgres"), ["--version"], libraries: libraries);
                    return version is { ExitCode: 0 } && ParseMajor(version.Output) is { } major
                        ? new PostgresPrograms(folder, major, libraries)
                        : null;
                })
                .OfType<PostgresPrograms>(),
        ];

    private static IEnumerable<string> Folders(string tools) =>
        [
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(
                Path.PathSeparator,
                StringSplitOptions.RemoveEmptyEntries
            ),
            .. Each("/usr/lib/postgresql", "*", "bin"),
            .. Each("/usr", "pgsql-*", "bin"),
            .. Each("/opt/homebrew/opt", "postgresql*", "bin"),
            .. Each(Path.Combine(tools, "postgres", "usr", "lib", "postgresql"), "*", "bin"),
        ];

    private static IEnumerable<string> Each(string parent, string pattern, string child) =>
        Directory.Exists(parent)
            ? Directory.EnumerateDirectories(parent, pattern).Select(folder => Path.Combine(folder, child))
            : [];

    [GeneratedRegex(@"\(PostgreSQL\) (\d+)")]
    private static partial Regex VersionLine();
}
