using Harness;
using LocalServices;
using Stack;

namespace Packages;

/// <summary>The packages, made once and of a version of their own, and what is built from them in a temporary folder:
/// the samples, and an application of the template.</summary>
public sealed class MadePackages : IAsyncLifetime
{
    /// <summary>A name that is no identifier: the paths keep it, and the classes of the projects cannot.</summary>
    public const string Application = "my-shop.4.App";

    /// <summary>A version that no folder of packages on this machine has yet.</summary>
    private readonly string _version = $"0.1.0-test.{DateTime.UtcNow:yyyyMMddHHmmss}";

    private readonly string _folder = Directory.CreateTempSubdirectory("aspire-sse-packages-").FullName;

    internal StoresFixture Stores { get; } = new();

    internal string Version => _version;

    internal string Feed => Path.Combine(_folder, "feed");

    internal string Samples => Path.Combine(_folder, "samples");

    internal string NewApplication => Path.Combine(_folder, Application);

    public async ValueTask InitializeAsync()
    {
        await Stores.InitializeAsync();
        await DotnetAsync(Repository.Root, "pack", "Aspire.Sse.sln", "-o", Feed, $"-p:Version={_version}");

        await File.WriteAllTextAsync(
            Path.Combine(_folder, "nuget.config"),
            $"""<configuration><packageSources><add key="made" value="{Feed}" /></packageSources></configuration>"""
        );
        Copy(Repository.PathOf("samples"), Samples);
        File.Delete(Path.Combine(Samples, "nuget.config"));
    }

    /// <summary>A new folder, which is deleted with the rest.</summary>
    internal string FolderOf(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;

    /// <summary>Makes an application from the template, whose settings of this user stay as they are.</summary>
    internal async Task CreateApplicationAsync()
    {
        var hive = Path.Combine(_folder, "templates");
        var package = Path.Combine(Feed, $"AspireSse.Templates.{_version}.nupkg");
        await DotnetAsync(_folder, "new", "install", package, "--debug:custom-hive", hive);
        await DotnetAsync(_folder, "new", "aspire-sse", "-o", NewApplication, "--debug:custom-hive", hive);
    }

    /// <summary>Builds one of the samples, and returns its program.</summary>
    internal async Task<string> BuildSampleAsync(string name)
    {
        var project = Path.Combine(Samples, name);
        await DotnetAsync(project, "build", "-nologo", "-v", "q", $"-p:AspireSseVersion={_version}");
        return Path.Combine(project, "bin", "Debug", "net10.0", name);
    }

    /// <summary>Runs dotnet to its end, and returns its output.</summary>
    internal static async Task<string> DotnetAsync(string folder, params string[] arguments)
    {
        // MSBuild hands its own settings to the tests that it starts.
        var environment = Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(IsOfMSBuild);
        string[] command = ["env", .. environment.SelectMany(name => new[] { "-u", name }), "dotnet", .. arguments];

        var result = await Task.Run(() => Command.Run(command[0], command[1..], folder: folder));
        Assert.True(result is { ExitCode: 0 }, $"dotnet {string.Join(' ', arguments)}:\n{result?.Output}");
        return result!.Output;
    }

    public async ValueTask DisposeAsync()
    {
        await Stores.DisposeAsync();
        Directory.Delete(_folder, recursive: true);

        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } given
            ? given
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        foreach (var package in Directory.EnumerateDirectories(packages, "aspiresse.*"))
            if (Path.Combine(package, _version) is var made && Directory.Exists(made))
                Directory.Delete(made, recursive: true);
    }

    private static bool IsOfMSBuild(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || name is "DOTNET_HOST_PATH" or "CI";

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));

        foreach (var folder in Directory.EnumerateDirectories(from).Select(Path.GetFileName))
            if (folder is not ("bin" or "obj" or "packages" or ".local"))
                Copy(Path.Combine(from, folder!), Path.Combine(to, folder!));
    }
}
