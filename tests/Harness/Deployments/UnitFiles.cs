namespace Harness.Deployments;

/// <summary>The services of <c>deploy/systemd</c>. A template unit's instances are ports; which there are is in
/// docs/bare-metal.md.</summary>
internal static class UnitFiles
{
    public static IReadOnlyList<DeployedService> Services(string folder, IReadOnlyList<string> instances) =>
        [
            .. Directory
                .EnumerateFiles(folder, "*.service")
                .Order(StringComparer.Ordinal)
                .Select(file => Service(folder, file, instances)),
        ];

    private static DeployedService Service(string folder, string file, IReadOnlyList<string> instances)
    {
        var unit = Path.GetFileNameWithoutExtension(file);
        var name = unit.TrimEnd('@');
        var own = unit.EndsWith('@')
            ? instances.Where(i => i.StartsWith(unit, StringComparison.Ordinal)).Select(i => i[unit.Length..]).ToList()
            : [];
        var settings = Settings(file).ToLookup(s => s.Key, s => s.Value);
        var environment = settings["Environment"]
            .SelectMany(line => line.Split(' '))
            .Concat(settings["EnvironmentFile"].SelectMany(path => Lines(folder, path)))
            .Select(variable => variable.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        var port = environment.GetValueOrDefault("ASPNETCORE_URLS", "").Split(':')[^1];
        var arguments = settings["ExecStart"].Single().Split(' ', 2);

        return new DeployedService(
            name,
            unit.EndsWith('@') ? own.Count : 1,
            port == "%i" ? own : [.. new[] { port }.Where(p => p.Length > 0)],
            arguments.ElementAtOrDefault(1) ?? "",
            environment
        );
    }

    /// <summary>The settings of a unit, in order; a name may come several times.</summary>
    public static IEnumerable<(string Key, string Value)> Settings(string file) =>
        File.ReadLines(file)
            .Where(line => line.Contains('=') && !line.StartsWith('#'))
            .Select(line => line.Split('=', 2))
            .Select(pair => (pair[0], pair[1]));

    private static IEnumerable<string> Lines(string folder, string path) =>
        File.ReadLines(Path.Combine(folder, Path.GetFileName(path)))
            .Where(line => line.Contains('=') && !line.StartsWith('#'));
}
