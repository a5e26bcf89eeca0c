namespace Harness;

/// <summary>The paths of this clone and its build output.</summary>
internal static class Repository
{
    // artifacts/bin/<project>/<configuration>/
    private static readonly DirectoryInfo Output = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

    /// <summary>The root folder of this clone.</summary>
    public static string Root { get; } = Output.Parent!.Parent!.Parent!.Parent!.FullName;

    /// <summary>Returns the path of a file, from its path in the repository.</summary>
    public static string PathOf(string file) => Path.Combine(Root, file);

    public static bool IsRelease => Output.Name == "release";
}
