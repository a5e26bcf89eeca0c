namespace Reliability;

/// <summary>Where this clone and its build output are.</summary>
internal static class Repository
{
    // artifacts/bin/Reliability/<configuration>/
    private static readonly DirectoryInfo Output = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

    public static string Root { get; } = Output.Parent!.Parent!.Parent!.Parent!.FullName;

    /// <summary>A service of ours, built with this program and in the same configuration.</summary>
    public static string Service(string name) =>
        Path.Combine(Output.Parent!.Parent!.FullName, name, Output.Name, name + ".dll");
}
