namespace Harness.Deployments;

/// <summary>The variables that <c>deploy/Containerfile</c> sets in every image.</summary>
internal static class Containerfile
{
    public static IReadOnlyDictionary<string, string> Environment(string file) =>
        File.ReadAllText(file)
            .Replace("\\\n", " ", StringComparison.Ordinal)
            .Split('\n')
            .Where(line => line.StartsWith("ENV ", StringComparison.Ordinal))
            .SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1))
            .Select(variable => variable.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);
}
