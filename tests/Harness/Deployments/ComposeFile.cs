using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Harness.Deployments;

/// <summary>The services of <c>deploy/compose.yaml</c>. Replicas are services of their own: streamapi-1,
/// streamapi-2.</summary>
internal static partial class ComposeFile
{
    /// <param name="file">The compose file.</param>
    /// <param name="image">The variables that the images set.</param>
    /// <exception cref="FormatException">Replicas of one service have different variables.</exception>
    public static IReadOnlyList<DeployedService> Services(string file, IReadOnlyDictionary<string, string> image) =>
        [
            .. YamlFile
                .Read(file)
                .Single()
                .Map("services")
                .Children.Where(s => s.Value.Text("image").Contains("aspire-sse/", StringComparison.Ordinal))
                .Select(s => (Name: Replica().Replace(s.Key.Text(), ""), Node: s.Value))
                .GroupBy(s => s.Name, s => s.Node)
                .Select(replicas => Service(replicas.Key, [.. replicas], image)),
        ];

    /// <summary>The names of all services, those of other images included.</summary>
    public static IReadOnlyList<string> Names(string file) =>
        [.. YamlFile.Read(file).Single().Map("services").Children.Keys.Select(name => name.Text())];

    private static DeployedService Service(
        string name,
        IReadOnlyList<YamlNode> replicas,
        IReadOnlyDictionary<string, string> image
    )
    {
        var environment = Environment(replicas[0]);

        foreach (var other in replicas.Select(Environment))
            if (!environment.Keys.ToHashSet().SetEquals(other.Keys))
                throw new FormatException($"The replicas of {name} have different variables.");

        foreach (var (variable, value) in image)
            environment.TryAdd(variable, value);

        var arguments = replicas[0].Find("command") is YamlSequenceNode list
            ? string.Join(' ', list.Select(argument => argument.Text()))
            : replicas[0].Text("command");
        var port = environment.GetValueOrDefault("ASPNETCORE_URLS", "").Split(':')[^1];
        return new DeployedService(name, replicas.Count, [port], arguments, environment);
    }

    private static Dictionary<string, string> Environment(YamlNode service) =>
        service.Find("environment") switch
        {
            YamlMappingNode map => map.ToDictionary(v => v.Key.Text(), v => v.Value.Text()),
            YamlSequenceNode list => list.Select(v => v.Text().Split('=', 2)).ToDictionary(v => v[0], v => v[^1]),
            _ => [],
        };

    [GeneratedRegex(@"-\d+$")]
    private static partial Regex Replica();
}
