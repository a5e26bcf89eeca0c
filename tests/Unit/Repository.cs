namespace Unit;

internal static class Repository
{
    /// <summary>The root folder of this clone.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Aspire.Sse.sln")))
                return folder.FullName;
        throw new InvalidOperationException($"{AppContext.BaseDirectory} is not inside the repository.");
    }
}
