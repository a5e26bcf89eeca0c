using System.IO.Compression;

namespace Unit.Build;

/// <summary>A folder of empty packages, as a NuGet source.</summary>
internal sealed class FakeFeed : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("feed-").FullName;

    /// <param name="id">The package.</param>
    /// <param name="version">Its version.</param>
    /// <param name="needs">A package that it depends on, with the lowest version.</param>
    public void Add(string id, string version, (string Id, string Version)? needs = null)
    {
        using var package = ZipFile.Open(Path.Combine(Folder, $"{id}.{version}.nupkg"), ZipArchiveMode.Create);
        using (var nuspec = new StreamWriter(package.CreateEntry($"{id}.nuspec").Open()))
        {
            var dependency = needs is { } other ? $"<dependency id=\"{other.Id}\" version=\"{other.Version}\" />" : "";
            nuspec.Write(
                $"""
                <package><metadata><id>{id}</id><version>{version}</version>
                <authors>test</authors><description>test</description>
                <dependencies><group targetFramework="net10.0">{dependency}</group></dependencies></metadata></package>
                """
            );
        }
        package.CreateEntry("lib/net10.0/_._");
    }

    public void Remove(string id)
    {
        foreach (var file in Directory.GetFiles(Folder, $"{id}.*.nupkg"))
            File.Delete(file);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
