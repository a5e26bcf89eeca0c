namespace Unit.Build;

/// <summary>The repository's own text files, without what a build or a package manager writes.</summary>
internal static class SourceFiles
{
    private static readonly string[] Skipped = ["artifacts", "bin", "build", "dist", "lib", "node_modules", "obj"];

    /// <summary>The folders of what is deployed, and of the load generator.</summary>
    public static readonly string[] Products =
    [
        "AppHost",
        "Broadcaster",
        "LoadTests",
        "StreamApi",
        "WebFrontend",
        "libraries",
    ];

    public static IEnumerable<FileInfo> All => Under(new DirectoryInfo(Repository.Root));

    public static IEnumerable<FileInfo> In(params string[] folders) =>
        folders.SelectMany(folder => Under(new DirectoryInfo(Path.Combine(Repository.Root, folder))));

    public static IEnumerable<FileInfo> CSharp(params string[] folders) =>
        In(folders).Where(file => file.Extension == ".cs");

    public static string PathOf(FileInfo file) =>
        Path.GetRelativePath(Repository.Root, file.FullName).Replace('\\', '/');

    /// <summary>Fails with the list of findings, unless it is empty.</summary>
    public static void AssertNone(IEnumerable<string> found) => Assert.True(!found.Any(), string.Join('\n', found));

    private static IEnumerable<FileInfo> Under(DirectoryInfo directory) =>
        directory
            .EnumerateFiles()
            .Concat(
                directory
                    .EnumerateDirectories()
                    .Where(d => !d.Name.StartsWith('.') && !Skipped.Contains(d.Name))
                    .SelectMany(Under)
            );
}
