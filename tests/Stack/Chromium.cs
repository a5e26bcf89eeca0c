namespace Stack;

/// <summary>The Chromium that the tests drive: an installed one, or one that is installed now if that needs no
/// password. Without it, tests skip by <c>Assert.SkipWhen(chromium.Path is null, chromium.Reason)</c>.</summary>
public sealed record Chromium(string? Path, string Reason)
{
    private const string Shell = "chromium-headless-shell",
        Whole = "chromium";

    // First those without a user interface: a new profile takes them a quarter of the CPU time.
    private static readonly string[] Names =
    [
        Shell,
        "chrome-headless-shell",
        Whole,
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    private static readonly Lazy<Task<Chromium>> Instance = new(() => Task.Run(FindOrInstall));

    /// <summary>Finds or installs Chromium, once a test run.</summary>
    public static Task<Chromium> GetAsync() => Instance.Value;

    private static Chromium FindOrInstall()
    {
        if (Environment.GetEnvironmentVariable("CHROME_PATH") is { Length: > 0 } given)
            return File.Exists(given)
                ? new Chromium(given, "")
                : new Chromium(null, $"CHROME_PATH names {given}, which does not exist.");

        if (Find() is { } found)
            return new Chromium(found, "");

        const string Manually =
            "Install it (Debian: sudo apt-get install -y chromium-headless-shell; Ubuntu: chromium), or name one: "
            + "CHROME_PATH=/path/to/chromium";
        if (!AptPackages.CanBeInstalled)
            return new Chromium(null, $"No Chromium on this machine. {Manually}");

        var (done, output) = AptPackages.Install(Shell);
        if (!done) // not every release has the shell as a package of its own
            (_, output) = AptPackages.Install(Whole);

        return Find() is { } installed
            ? new Chromium(installed, "")
            : new Chromium(null, $"Chromium could not be installed. {Manually}\n{output}");
    }

    private static string? Find() =>
        (
            from name in Names
            from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(
                System.IO.Path.PathSeparator,
                StringSplitOptions.RemoveEmptyEntries
            )
            let path = System.IO.Path.Combine(folder, name)
            where File.Exists(path)
            select path
        ).FirstOrDefault();
}
