using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Unit;

/// <summary>Runs the JavaScript client's own tests, in a copy, so that the sources stay unchanged.</summary>
public class JavaScriptClientTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5); // a first run fetches the packages

    [Fact]
    public async Task The_javascript_client_builds_passes_its_tests_and_is_as_small_as_promised()
    {
        Assert.SkipWhen(
            await RunAsync(".", "npm", "--version") is not { ExitCode: 0 },
            "npm is not installed (Debian, Ubuntu: sudo apt-get install -y npm)."
        );

        Assert.SkipWhen(
            await RunAsync(".", "node", "--version") is not { ExitCode: 0, Output: var node } || Major(node) < 20,
            "Node.js 20 or later is not installed."
        );

        var root = Repository.Root;
        string CopyOf(string part) =>
            Copy(Path.Combine(root, "clients", part), Path.Combine(root, "artifacts", "clients", part));

        CopyOf("cases");
        var folder = CopyOf("javascript");
        await PassesAsync(folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline");
        await PassesAsync(folder, "test");
    }

    private static async Task PassesAsync(string folder, params string[] arguments)
    {
        var run = await RunAsync(folder, "npm", arguments);
        Assert.True(run is { ExitCode: 0 }, $"npm {string.Join(' ', arguments)} in {folder}:\n{run?.Output}");
    }

    private static int Major(string version) =>
        int.Parse(version.Trim().TrimStart('v').Split('.')[0], System.Globalization.CultureInfo.InvariantCulture);

    private static string Copy(string from, string to)
    {
        foreach (var stale in (string[])["src", "test", "build", "dist"])
            if (Directory.Exists(Path.Combine(to, stale)))
                Directory.Delete(Path.Combine(to, stale), recursive: true);

        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(from, file);
            if (relative.Split(Path.DirectorySeparatorChar)[0] is "node_modules" or "build" or "dist")
                continue;
            var target = Path.Combine(to, relative);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }

        return to;
    }

    private sealed record Result(int ExitCode, string Output);

    /// <summary>Path of a program, or null if it does not exist.</summary>
    private static async Task<Result?> RunAsync(string folder, string program, params string[] arguments)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        var output = new StringBuilder();
        // On Windows npm is a script, which only a shell starts.
        string[] command = [.. OperatingSystem.IsWindows() ? (string[])["cmd", "/c"] : [], program, .. arguments];
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(command[0], command[1..])
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };

        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);

        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return null;
        }

        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return new Result(-1, $"{program} did not end in time.\n{output}");
        }

        return new Result(process.ExitCode, output.ToString());

        void Append(string? line)
        {
            lock (output)
                output.AppendLine(line);
        }
    }
}
