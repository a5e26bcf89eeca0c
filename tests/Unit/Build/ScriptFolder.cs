using System.Diagnostics;

namespace Unit.Build;

/// <summary>A temporary folder with one of this repository's scripts, and with scripts in the place of the programs
/// that it calls. They find the folder in <c>STATE</c>.</summary>
internal sealed class ScriptFolder(string script) : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("script-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    public string PathOf(string name) => Path.Combine(_root, name);

    public void Replace(string program, string text)
    {
        var file = Path.Combine(Directory.CreateDirectory(PathOf("bin")).FullName, program);
        File.WriteAllText(file, text + "\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Runs the script, and returns its exit code and everything that it printed.</summary>
    public async Task<(int Code, string Output)> RunAsync(
        string[] arguments,
        params (string Name, string? Value)[] environment
    )
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The scripts are for Linux.");
        var copy = PathOf(script);
        Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
        File.Copy(Path.Combine(Repository.Root, script), copy, overwrite: true);

        var start = new ProcessStartInfo("bash", ["-c", "exec bash \"$@\" 2>&1", "sh", copy, .. arguments])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["PATH"] = PathOf("bin") + ":" + Environment.GetEnvironmentVariable("PATH");
        start.Environment["STATE"] = _root;

        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        using var run = Process.Start(start)!;
        var output = await run.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await run.WaitForExitAsync(TestContext.Current.CancellationToken);

        return (run.ExitCode, output);
    }
}
