namespace Benchmarks;

/// <summary>The paths of this clone and its build output.</summary>
internal static class Repository
{
    // artifacts/bin/Benchmarks/<configuration>/
    private static readonly DirectoryInfo Output = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

    public static string Root { get; } = Output.Parent!.Parent!.Parent!.Parent!.FullName;

    /// <summary>Returns the path of a service that was built with this program in the same configuration.</summary>
    public static string Service(string name) =>
        Path.Combine(Output.Parent!.Parent!.FullName, name, Output.Name, name + ".dll");

    public static bool IsRelease => Output.Name == "release";
}
