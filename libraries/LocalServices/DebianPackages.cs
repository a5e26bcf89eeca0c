using System.Globalization;
using System.Text.RegularExpressions;

namespace LocalServices;

/// <summary>
/// Programs of the distribution, downloaded and verified by apt and unpacked into a folder of the clone: no root,
/// nothing installed,
/// no service started, no other clone touched. They find their libraries by LD_LIBRARY_PATH.
/// </summary>
internal sealed partial class DebianPackages(string what, string work)
{
    private string[] _apt = ["-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="];

    /// <param name="otherwise">What to do where this machine has no apt, or the distribution no such package.</param>
    public static void Unpack(string what, string[] packages, string target, string otherwise)
    {
        var work = target + ".making";
        try
        {
            Delete(work);
            Directory.CreateDirectory(work);
            var (problem, root) = new DebianPackages(what, work).Fetch(packages);
            if (problem is not null)
            {
                throw new LocalServicesException(
                    $"{what} is not on this machine and could not be fetched: {problem}\n{otherwise}"
                );
            }

            Delete(target);
            Directory.Move(root, target);
            Console.WriteLine($"{what}: ready in {target}");
        }
        finally
        {
            Delete(work);
        }
    }

    /// <summary>`usr/lib` and `usr/lib/x86_64-linux-gnu` of what was unpacked; null where nothing was.</summary>
    public static string? Libraries(string target)
    {
        var libraries = Path.Combine(target, "usr", "lib");
        return Directory.Exists(libraries)
            ? string.Join(':', Directory.EnumerateDirectories(libraries, "*-linux-*"))
            : null;
    }

    private (string? Problem, string Root) Fetch(string[] packages)
    {
        var root = Directory.CreateDirectory(Path.Combine(work, "root")).FullName;
        if (Command.Run("apt-get", ["--version"]) is null || Command.Run("dpkg", ["--version"]) is null)
        {
            return ("this is no Debian or Ubuntu (no apt-get).", root);
        }

        var (files, problem) = Plan(packages);
        if (files.Count == 0)
        {
            // No package lists (a slim image), or lists that know no such package: lists of our own, which need no root
            // either.
            UseOwnLists();
            (files, problem) = Plan(packages);
        }

        if (files.Count == 0)
        {
            return (problem, root);
        }

        var size = files.Sum(file => file.Size);
        Console.WriteLine(
            $"{what}: fetching {files.Count} Debian packages, once for this clone ({Megabytes(size)} to download)"
        );
        var folder = Directory.CreateDirectory(Path.Combine(work, "packages")).FullName;
        var progress = new Action(() =>
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{what}: {Math.Min(1, (double)Directory.EnumerateFiles(folder).Sum(file => new FileInfo(file).Length) / size):P0} of {Megabytes(size)}"
                )
            )
        );
        var download = new Func<Command.Result?>(() =>
            Command.Run(
                "apt-get",
                [.. _apt, "-qq", "download", .. files.Select(file => file.Package)],
                folder: folder,
                whileRunning: progress
            )
        );
        // Once more: apt gives up when another apt replaces the lists meanwhile.
        var result = download() is { ExitCode: 0 } done ? done : download();
        if (result is not { ExitCode: 0 })
        {
            return (result?.Output, root);
        }

        foreach (var package in Directory.EnumerateFiles(folder, "*.deb"))
        {
            if (Command.Run("dpkg", ["-x", package, root]) is var unpacked && unpacked is not { ExitCode: 0 })
            {
                return ($"dpkg -x {package} failed: {unpacked?.Output}", root);
            }
        }

        return (null, root);
    }

    /// <summary>The packages, and of those they need the libraries that this machine lacks; scripts and services around
    /// them are not needed here.</summary>
    private (List<(string Package, long Size)> Files, string Problem) Plan(string[] packages)
    {
        // `postgresql` only points to the distribution's version: postgresql-15.
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

    internal static List<(string Package, long Size)> Files(string plan, string[] wanted) =>
        [
            .. Uri()
                .Matches(plan)
                .Select(match =>
                    (
                        Package: match.Groups["package"].Value,
                        Size: long.Parse(match.Groups["size"].ValueSpan, provider: null)
                    )
                )
                .Where(file => wanted.Contains(file.Package) || Library().IsMatch(file.Package)),
        ];

    private void UseOwnLists()
    {
        Console.WriteLine($"{what}: fetching the distribution's package lists (about 10 to 40 MB, not kept)");
        var (lists, cache) = (Path.Combine(work, "lists"), Path.Combine(work, "cache"));
        Directory.CreateDirectory(Path.Combine(lists, "partial"));
        Directory.CreateDirectory(Path.Combine(cache, "archives", "partial"));
        _apt = [.. _apt, "-o", $"Dir::State::lists={lists}", "-o", $"Dir::Cache={cache}"];
        // Its exit code says nothing: hooks of the machine's apt configuration may fail without root.
        Command.Run("apt-get", [.. _apt, "-qq", "update"]);
    }

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F0} MB");

    [GeneratedRegex(@"Depends: (postgresql-\d+)$", RegexOptions.Multiline)]
    private static partial Regex NewestOf();

    [GeneratedRegex("^lib(?!.*(-perl|-dev)$)")]
    private static partial Regex Library();

    // 'http://…/libllvm14_1%3a14.0.6-12_amd64.deb' libllvm14_1%3a14.0.6-12_amd64.deb 21800000 SHA256:…
    [GeneratedRegex(@"^'[^']*' (?<package>[^_\s]+)_\S+ (?<size>\d+)\b", RegexOptions.Multiline)]
    private static partial Regex Uri();
}
