using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Harness.Deployments;

/// <summary>The services of <c>deploy/compose.yaml</c>. Replicas are services of their own: streamapi-1,
/// streamapi-2.</summary>
internal static partial class ComposeFile
{
    /// <param name="file">The compose file.</param>
    /// <param name="port">The port of the images.</param>
    public static IReadOnlyList<DeployedService> Services(string file, string port) =>
        [
            .. YamlFile
                .Read(file)
                .Single()
                .Map("services")
                .Children.Where(s => s.Value.Text("image").Contains("aspire-sse/", StringComparison.Ordinal))
                .Select(s => (Name: Replica().Replace(s.Key.Text(), ""), Node: s.Value))
                .GroupBy(s => s.Name, s => s.Node)
                .Select(replicas => Service(replicas.Key, [.. replicas], port)),
        ];

    private static DeployedService Service(string name, IReadOnlyList<YamlNode> replicas, string port)
    {
        var environment = Environment(replicas[0]);
        var arguments = replicas[0].Find("command") is YamlSequenceNode list
            ? string.Join(' ', list.Select(argument => argument.Text()))
            : replicas[0].Text("command");
        var urls = environment.GetValueOrDefault("ASPNETCORE_URLS", ":" + port);
        return new DeployedService(name, replicas.Count, [urls.Split(':')[^1]], arguments, environment);
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
