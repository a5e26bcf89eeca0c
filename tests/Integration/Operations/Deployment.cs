namespace Integration.Operations;

/// <summary>The repository's files, as an operator has them.</summary>
internal static class Deployment
{
    public static string File(string path)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!System.IO.File.Exists(Path.Combine(folder!.FullName, "Aspire.Sse.sln")))
            folder = folder.Parent;
        return Path.Combine(folder.FullName, path);
    }
}
