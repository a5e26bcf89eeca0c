// Part of the stand-in for Aspire.Hosting: fetches the programs that the packages Aspire.Hosting.Orchestration
// and Aspire.Dashboard.Sdk would bring. Not affiliated with Microsoft or the .NET Foundation.
using System.Globalization;

namespace Aspire.Hosting.Bundle;

/// <summary>Fetches the package with npm (checked by its integrity hash), unpacks it in
/// a work folder, and moves the result into place with one rename. So the bundle's path
/// is always complete; the next restore clears an abandoned work folder.</summary>
internal sealed class BundleRestore(BundlePackage package, string folder, TextWriter output)
{
    private readonly string _work = Path.Combine(folder, "restoring");

    public async Task RunAsync(string bundle, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        using var restoring = await LockAsync(cancellation);
        if (Directory.Exists(bundle))
            return;

        Clear();
        Directory.CreateDirectory(_work);
        foreach (var file in (string[])["package.json", "package-lock.json"])
            await File.WriteAllTextAsync(Path.Combine(_work, file), BundlePackage.Text(file), cancellation);

        try
        {
            await FetchAsync(cancellation);
            Directory.Move(await UnpackAsync(cancellation), bundle);
        }
        finally
        {
            try
            {
                Clear();
            }
            catch (IOException)
            {
                // A process of an ended npm still writes there. The next restore clears the folder.
            }
        }

        await output.WriteLineAsync($"Aspire {package.Version}: ready in {folder}");
    }

    private async Task FetchAsync(CancellationToken cancellation)
    {
        await output.WriteLineAsync(
            $"Aspire {package.Version}: fetching its dashboard and orchestrator from npm, once for this clone "
                + $"({Megabytes(package.Download)} to download, {Megabytes(package.Unpacked)} on disk)"
        );
        var fetch = Command.RunAsync(
            "npm",
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            _work,
            [],
            cancellation
        );
        // A cancelled fetch is awaited too: npm writes until it has ended.
        while (await Task.WhenAny(fetch, Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None)) != fetch)
        {
            // npm unpacks while it downloads, so the unpacked size shows the progress of the download.
            var done = Math.Min(1, (double)Size(Path.Combine(_work, "node_modules")) / package.Program);
            await output.WriteLineAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Aspire {package.Version}: {done:P0} of {Megabytes(package.Download)}"
                )
            );
        }

        var (exitCode, text) =
            await fetch.ConfigureAwait(false)
            ?? throw new BundleUnavailableException(
                "npm is not installed, and Aspire's dashboard and orchestrator come from npm. Install Node.js 18 or "
                    + "newer with npm (https://nodejs.org; Debian 12, Ubuntu 24.04: sudo apt-get install -y npm) and "
                    + "start again."
            );
        if (exitCode != 0)
            throw new BundleUnavailableException(
                $"npm could not fetch {package.Name} {package.Version} (exit code {exitCode}). "
                    + $"Is its registry reachable? Try: npm view {package.Name}@{package.Version}\n{text}"
            );
    }

    /// <summary>Unpacks the bundle that the program carries; `setup` is the hidden command for it.</summary>
    private async Task<string> UnpackAsync(CancellationToken cancellation)
    {
        var program = Path.Combine(_work, "node_modules", package.Name, "bin", "aspire");
        var layout = Path.Combine(_work, "layout");
        var (exitCode, text) =
            await Command.RunAsync(
                program,
                ["setup", "--install-path", layout, "--nologo", "--non-interactive"],
                _work,
                new()
                {
                    ["ASPIRE_CLI_TELEMETRY_OPTOUT"] = "1",
                    ["ASPIRE_LAYOUT_PATH"] = layout, // without it, a second copy goes into the home directory
                    ["HOME"] = _work, // the program writes its logs there
                },
                cancellation
            )
            ?? throw new BundleUnavailableException($"{package.Name} {package.Version} holds no program at {program}.");

        // layout/bundle is an absolute link to layout/versions/<version>_<hash>; only that folder can be moved.
        var unpacked = Path.Combine(layout, "bundle");
        var target = Directory.Exists(unpacked)
            ? Directory.ResolveLinkTarget(unpacked, returnFinalTarget: true)?.FullName ?? unpacked
            : null;
        if (
            exitCode != 0
            || target is null
            || !File.Exists(Path.Combine(target, "dcp", "dcp"))
            || !File.Exists(Path.Combine(target, "managed", "aspire-managed"))
        )
            throw new BundleUnavailableException(
                $"{package.Name} {package.Version} did not unpack as expected (exit code {exitCode}).\n{text}"
            );

        return target;
    }

    /// <summary>Takes the lock that allows one restore at a time.
    /// The lock ends with its process, even after a crash.</summary>
    private async Task<FileStream> LockAsync(CancellationToken cancellation)
    {
        for (var waits = 0; ; waits++)
        {
            if (FileLock.TryTake(Path.Combine(folder, "restore.lock")) is { } taken)
                return taken;

            if (waits == 0)
                await output.WriteLineAsync(
                    $"Aspire {package.Version}: waiting for another start to fetch the dashboard and orchestrator"
                );

            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation);
        }
    }

    private void Clear()
    {
        if (Directory.Exists(_work))
            Directory.Delete(_work, recursive: true);
    }

    private static long Size(string path)
    {
        try
        {
            return Directory.Exists(path)
                ? new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length)
                : 0;
        }
        catch (IOException)
        {
            return 0; // npm moved a file during the walk
        }
    }

    private static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F0} MB");
}
