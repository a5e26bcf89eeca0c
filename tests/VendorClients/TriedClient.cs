namespace VendorClients;

/// <summary>A vendor's client at its newest version, in a folder of its own.</summary>
/// <param name="name">Its name in the table, and its main package.</param>
internal abstract class TriedClient(string name)
{
    public string Name => name;

    /// <summary>The newest version, known once it is installed.</summary>
    public string Version { get; protected set; } = "–";

    /// <summary>The registry of its packages.</summary>
    public abstract string Registry { get; }

    /// <summary>Installs the newest packages. Returns a failed attempt, or null.</summary>
    public abstract Task<Attempt?> InstallAsync(string folder, CancellationToken stop);

    /// <summary>Tries the client against the product.</summary>
    public abstract Task<IReadOnlyList<Attempt>> TryAsync(string folder, Product product, CancellationToken stop);

    protected static Attempt? FailureOf(string tried, ToolResult tool) =>
        tool.ExitCode == 0 ? null : new Attempt(tried, tool.Words);
}
