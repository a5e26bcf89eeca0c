using System.Globalization;
using System.Text.RegularExpressions;

namespace LocalServices;

/// <summary>Programs of the distribution, downloaded and verified by apt and unpacked into a folder of the clone. Needs
/// no root, installs nothing and starts no service; the programs find their libraries by LD_LIBRARY_PATH.</summary>
internal sealed partial class DebianPrograms(string what, string work, string downloads)
{
    /// <summary>The time without a byte after which a download has failed.</summary>
    private static readonly TimeSpan Stall = TimeSpan.FromMinutes(1);

    private string[] _apt = ["-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="];

    /// <param name="otherwise">The advice for a machine without apt, or a distribution without the package.</param>
    public static void Unpack(string what, string[] packages, string target, string otherwise)
    {
        var (work, downloads) = (target + ".making", target + ".packages");
        try
        {
            Delete(work);
            Directory.CreateDirectory(work);
            var (problem, root) = new DebianPrograms(what, work, downloads).Fetch(packages);
            if (problem is not null)
                throw new LocalServicesException(
                    $"{what} is not installed and could not be downloaded: {problem}\n{otherwise}"
                );

            Delete(target);
            Directory.Move(root, target);
            Delete(downloads);
            Console.WriteLine($"{what}: ready in {target}");
        }
        finally
        {
            Delete(work);
        }
    }

    /// <summary>Returns the folders of libraries of the unpacked packages, such as `usr/lib/x86_64-linux-gnu` or a
    /// program's own `usr/lib/trafficserver`, or null when nothing was unpacked.</summary>
    public static string? Libraries(string target)
    {
        var libraries = Path.Combine(target, "usr", "lib");
        return Directory.Exists(libraries)
            ? string.Join(
                ':',
                Directory.EnumerateDirectories(libraries).Where(f => Directory.EnumerateFiles(f, "lib*.so*").Any())
            )
            : null;
    }

    private (string? Problem, string Root) Fetch(string[] packages)
    {
        var root = Directory.CreateDirectory(Path.Combine(work, "root")).FullName;
        if (Command.Run("apt-get", ["--version"]) is null || Command.Run("dpkg", ["--version"]) is null)
            return ("apt-get is missing; this works on Debian and Ubuntu only.", root);

        var (files, problem) = Plan(packages);
        if (files.Count == 0)
        {
            // There are no package lists (a slim image), or they lack
            // the package. Lists of our own need no root either.
            UseOwnLists();
            (files, problem) = Plan(packages);
        }

        if (files.Count == 0)
            return (problem, root);

        var size = files.Sum(file => file.Size);
        Console.WriteLine(
            $"{what}: downloading {files.Count} Debian packages, once for this folder ({Megabytes(size)} to download)"
        );
        // Kept until they are unpacked: apt continues a download that broke off.
        Directory.CreateDirectory(downloads);

        var result = Download(files, size);
        // Tried twice, because apt fails when another apt replaces the lists at the same time.
        if (result is not { ExitCode: 0 })
            result = Download(files, size);
        if (result is not { ExitCode: 0 })
            return ($"{result?.Output}\nThe next start continues the download, in {downloads}.", root);

        foreach (var package in files.Select(file => Path.Combine(downloads, file.Name)))
            if (Command.Run("dpkg", ["-x", package, root]) is var unpacked && unpacked is not { ExitCode: 0 })
            {
                // apt takes a file of the right size for the package, whatever it contains.
                Directory.Delete(downloads, recursive: true);
                return ($"dpkg -x {package} failed: {unpacked?.Output}\nThe next start downloads it again.", root);
            }

        return (null, root);
    }

    private Command.Result? Download(IEnumerable<DebianPackage> files, long size) =>
        Command.Run(
            "apt-get",
            [.. _apt, "-qq", "download", .. files.Select(file => file.Package)],
            folder: downloads,
            timeout: Stall,
            progress: () =>
            {
                var done = Size(downloads);
                var share = Math.Min(1, (double)done / size).ToString("P0", CultureInfo.InvariantCulture);
                Console.WriteLine($"{what}: {share} of {Megabytes(size)}");
                return done;
            }
        );

    /// <summary>Returns the packages and the libraries that they need and
    /// this machine lacks, without their scripts and services.</summary>
    private (List<DebianPackage> Files, string Problem) Plan(string[] packages)
    {
        // `postgresql` only depends on the distribution's version, such as postgresql-15.
        var wanted = packages
            .Select(package =>
                NewestOf().Match(Command.Run("apt-cache", [.. _apt, "depends", package])?.Output ?? "")
                    is { Success: true } match
                    ? match.Groups[1].Value
                    : package
            )
            .ToArray();

        var plan = Command.Run(
            "apt-get",
            [.. _apt, "install", "--print-uris", "--yes", "--no-install-recommends", "--reinstall", .. wanted]
        );
        return plan is not { ExitCode: 0 }
            ? ([], $"apt-get install {string.Join(' ', wanted)} would fail.\n{plan?.Output}")
            : (Files(plan.Output, wanted), $"apt knows no source of {string.Join(", ", wanted)}.");
    }

    internal static List<DebianPackage> Files(string plan, string[] wanted) =>
        [
            .. Uri()
                .Matches(plan)
                .Select(match => new DebianPackage(
                    match.Groups["package"].Value,
                    match.Groups["file"].Value,
                    long.Parse(match.Groups["size"].ValueSpan, provider: null)
                ))
                .Where(file => wanted.Contains(file.Package) || Library().IsMatch(file.Package)),
        ];

    private void UseOwnLists()
    {
        Console.WriteLine($"{what}: downloading the distribution's package lists (10 to 40 MB, not kept)");
        var (lists, cache) = (Path.Combine(work, "lists"), Path.Combine(work, "cache"));
        Directory.CreateDirectory(Path.Combine(lists, "partial"));
        Directory.CreateDirectory(Path.Combine(cache, "archives", "partial"));
        _apt = [.. _apt, "-o", $"Dir::State::lists={lists}", "-o", $"Dir::Cache={cache}"];
        // The exit code is ignored: hooks of the machine's apt configuration may fail without root.
        Command.Run("apt-get", [.. _apt, "-qq", "update"], timeout: Stall, progress: () => Size(lists));
    }

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private static long Size(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
        }
        catch (IOException)
        {
            return 0; // apt moved a file during the walk
        }
    }

    private static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F0} MB");

    [GeneratedRegex(@"Depends: (postgresql-\d+)$", RegexOptions.Multiline)]
    private static partial Regex NewestOf();

    [GeneratedRegex("^lib(?!.*(-perl|-dev)$)")]
    private static partial Regex Library();

    // 'http://…/libllvm14_1%3a14.0.6-12_amd64.deb' libllvm14_1%3a14.0.6-12_amd64.deb 21800000 SHA256:…
    [GeneratedRegex(@"^'[^']*' (?<file>(?<package>[^_\s]+)_\S+) (?<size>\d+)\b", RegexOptions.Multiline)]
    private static partial Regex Uri();
}

/// <summary>A file of the distribution.</summary>
/// <param name="Package">The package's name.</param>
/// <param name="Name">The name that apt gives the downloaded file.</param>
/// <param name="Size">Its size in bytes.</param>
internal sealed record DebianPackage(string Package, string Name, long Size);
