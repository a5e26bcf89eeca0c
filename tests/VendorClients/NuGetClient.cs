using System.Text.Json;
using Harness;

namespace VendorClients;

/// <summary>A client of NuGet, tried by a program that is built against the newest packages.</summary>
/// <param name="name">The main package.</param>
/// <param name="program">The program's source, in the folder NuGet.</param>
/// <param name="packages">What the program needs besides.</param>
internal sealed class NuGetClient(string name, string program, params string[] packages) : TriedClient(name)
{
    private const string Project = "Client";

    public override string Registry => "NuGet";

    public override async Task<Attempt?> InstallAsync(string folder, CancellationToken stop)
    {
        foreach (var file in (string[])[program, "Trying.cs"])
            File.Copy(Repository.PathOf($"tests/VendorClients/NuGet/{file}"), Path.Combine(folder, file));

        var references = packages.Prepend(Name).Select(p => $"""<PackageReference Include="{p}" Version="*" />""");
        // OPENAI001: the Responses API of OpenAI's package is called experimental.
        await File.WriteAllTextAsync(
            Path.Combine(folder, $"{Project}.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <NoWarn>$(NoWarn);OPENAI001;MEAI001</NoWarn>
              </PropertyGroup>
              <ItemGroup>
                {string.Join("\n    ", references)}
              </ItemGroup>
            </Project>
            """,
            stop
        );

        var build = await Tool.RunAsync(folder, "dotnet", ["build", "--nologo", "--verbosity", "quiet"], stop);
        Version = await VersionAsync(folder, stop) ?? Version;
        return FailureOf("dotnet build", build);
    }

    public override async Task<IReadOnlyList<Attempt>> TryAsync(
        string folder,
        Product product,
        CancellationToken stop
    ) =>
        Attempt.In(
            await Tool.RunAsync(folder, "dotnet", [$"bin/Debug/net10.0/{Project}.dll", .. product.Replicas], stop)
        );

    /// <summary>Returns the version that was restored, or null if none was.</summary>
    private async Task<string?> VersionAsync(string folder, CancellationToken stop)
    {
        var file = Path.Combine(folder, "obj", "project.assets.json");
        if (!File.Exists(file))
            return null;

        using var assets = JsonDocument.Parse(await File.ReadAllTextAsync(file, stop));
        return assets
            .RootElement.GetProperty("libraries")
            .EnumerateObject()
            .Select(library => library.Name.Split('/'))
            .FirstOrDefault(named => named[0] == Name)
            ?[1];
    }
}
