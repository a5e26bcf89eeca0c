using Harness.Deployments;
using LocalServices;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>Every object of <c>deploy/kubernetes</c> has the shape that Kubernetes gives its kind.</summary>
public sealed class ManifestTests
{
    public static TheoryData<string> Overlays => [.. Manifests.Overlays];

    public static TheoryData<string> Files =>
        [
            .. Directory
                .EnumerateFiles(Manifests.Folder, "*.yaml", SearchOption.AllDirectories)
                .Where(file => Path.GetFileName(file) is not ("kustomization.yaml" or "prometheus-adapter.yaml"))
                .Select(file => Path.GetRelativePath(Manifests.Folder, file)),
        ];

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_object_of_a_file_has_the_fields_of_its_kind(string file)
    {
        Assert.Empty(Problems(YamlFile.Read(Path.Combine(Manifests.Folder, file))).Select(p => $"{file}: {p}"));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Every_object_of_an_overlay_has_the_fields_of_its_kind(string overlay)
    {
        var objects = Manifests.Overlay(overlay);
        Assert.True(objects.Count > 20);
        Assert.Equal(objects.Count, objects.Select(Key).Distinct().Count());
        Assert.Empty(Problems(objects));
    }

    [Theory]
    [InlineData("maxUnavailable: 0", "maxUnavailble: 0", "'maxUnavailble' could not be mapped")]
    [InlineData("minReadySeconds: 15", "minReadySeconds: soon", "minReadySeconds")]
    [InlineData("value: streamapi", "value: 1", "to System.String")]
    [InlineData("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: \"true\"", "readOnlyRootFilesystem")]
    [InlineData("apiVersion: apps/v1", "apiVersion: apps/v1beta1", "no kind of Kubernetes")]
    [InlineData("args: [wait-for-schema]", "args: wait-for-schema", "args")]
    public void A_wrong_field_is_found(string right, string wrong, string problem)
    {
        var text = File.ReadAllText(Path.Combine(Manifests.Folder, "base", "streamapi.yaml"));
        Assert.Contains(right, text, StringComparison.Ordinal);
        var objects = YamlFile.Parse(text.Replace(right, wrong, StringComparison.Ordinal)).Cast<YamlMappingNode>();
        Assert.Contains(Problems(objects), p => p.Contains(problem, StringComparison.Ordinal));
    }

    /// <summary>Compares the tests' objects with kubectl's, if it is installed.</summary>
    [Theory]
    [MemberData(nameof(Overlays))]
    public void Kubectl_builds_the_same_objects(string overlay)
    {
        var built = Command.Run("kubectl", ["kustomize", Path.Combine(Manifests.Folder, "overlays", overlay)]);
        Assert.SkipWhen(built is null, "kubectl is not installed");
        Assert.True(built.ExitCode == 0, built.Output);

        var theirs = YamlFile.Parse(built.Answer).Cast<YamlMappingNode>().ToDictionary(Key, Canonical);
        var ours = Manifests.Overlay(overlay).ToDictionary(Key, Canonical);
        Assert.Equal(theirs.Keys.Order(), ours.Keys.Order());
        Assert.All(ours, one => Assert.Equal(theirs[one.Key], one.Value));
    }

    private static IEnumerable<string> Problems(IEnumerable<YamlMappingNode> objects) =>
        from one in objects
        where !Manifests.IsCustom(one)
        let problem = KubernetesTypes.Problem(one)
        where problem is not null
        select $"{Key(one)}: {problem}";

    private static string Key(YamlMappingNode one) => $"{one.Text("kind")} {one.Name()}";

    private static string Canonical(YamlNode node) =>
        node switch
        {
            YamlMappingNode map => "{"
                + string.Join(
                    ", ",
                    map.OrderBy(c => c.Key.Text(), StringComparer.Ordinal)
                        .Select(c => c.Key.Text() + ": " + Canonical(c.Value))
                )
                + "}",
            YamlSequenceNode list => "[" + string.Join(", ", list.Select(Canonical)) + "]",
            _ => node.Text(),
        };
}
