using System.Diagnostics;
using Harness.Deployments;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>Every object of <c>deploy/kubernetes</c> has the shape that Kubernetes gives its kind.</summary>
public sealed class ManifestTests
{
    private static readonly string Package = Path.Combine(Repository.Root, "node_modules", "kubernetes-types");
    private static readonly KubernetesTypes Types = new(Package);

    public static TheoryData<string> Overlays => ["one-node", "ha"];

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
        SkipWithoutTypes();
        Assert.Empty(Problems(YamlFile.Read(Path.Combine(Manifests.Folder, file))).Select(p => $"{file}: {p}"));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Every_object_of_an_overlay_has_the_fields_of_its_kind(string overlay)
    {
        SkipWithoutTypes();
        var objects = Manifests.Overlay(overlay);
        Assert.True(objects.Count > 20);
        Assert.Equal(objects.Count, objects.Select(Key).Distinct().Count());
        Assert.Empty(Problems(objects));
    }

    [Theory]
    [InlineData("maxUnavailable: 0", "maxUnavailble: 0", "has no field maxUnavailble")]
    [InlineData("minReadySeconds: 15", "minReadySeconds: soon", "not number")]
    [InlineData("value: streamapi", "value: 1", "not string")]
    [InlineData("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: \"true\"", "not boolean")]
    [InlineData("mountPath: /tmp", "subPath: tmp", "lacks mountPath")]
    [InlineData("apiVersion: apps/v1", "apiVersion: apps/v1beta1", "no API of Kubernetes")]
    [InlineData("args: [wait-for-schema]", "args: wait-for-schema", "not a list")]
    public void A_wrong_field_is_found(string right, string wrong, string problem)
    {
        SkipWithoutTypes();
        var text = File.ReadAllText(Path.Combine(Manifests.Folder, "base", "streamapi.yaml"));
        Assert.Contains(right, text, StringComparison.Ordinal);
        var objects = YamlFile.Parse(text.Replace(right, wrong, StringComparison.Ordinal)).Cast<YamlMappingNode>();
        Assert.Contains(Problems(objects), p => p.Contains(problem, StringComparison.Ordinal));
    }

    /// <summary>CloudNativePG's cluster, by its documentation: the operator checks the rest.</summary>
    [Fact]
    public void The_Postgres_cluster_commits_on_a_standby_and_is_the_one_that_the_services_name()
    {
        var objects = Manifests.Overlay("ha");
        var cluster = Assert.Single(objects, Manifests.IsCustom);
        Assert.Equal("postgresql.cnpg.io/v1 Cluster", $"{cluster.Text("apiVersion")} {cluster.Text("kind")}");
        string[] known =
        [
            "affinity",
            "bootstrap",
            "imageName",
            "inheritedMetadata",
            "instances",
            "postgresql",
            "resources",
            "storage",
            "walStorage",
        ];
        Assert.Empty(cluster.Map("spec").Children.Keys.Select(k => k.Text()).Except(known));
        Assert.Equal("3", cluster.At("spec.instances").Text());
        Assert.Equal("any", cluster.At("spec.postgresql.synchronous.method").Text());
        Assert.Equal("1", cluster.At("spec.postgresql.synchronous.number").Text());
        Assert.Equal("required", cluster.At("spec.affinity.podAntiAffinityType").Text());
        // The role of the services may count the standbys; otherwise /health and the alerts know of none.
        Assert.Contains(
            cluster.At("spec.bootstrap.initdb")!.Items("postInitApplicationSQL"),
            sql => sql.Text() == $"grant pg_monitor to {cluster.At("spec.bootstrap.initdb.owner").Text()}"
        );
        // The services connect to <cluster>-rw; their password is in <cluster>-app.
        Assert.StartsWith(
            $"Host={cluster.Name()}-rw;Database={cluster.At("spec.bootstrap.initdb.database").Text()};"
                + $"Username={cluster.At("spec.bootstrap.initdb.owner").Text()};",
            objects.Named("ConfigMap", "stores").At("data.ConnectionStrings__eventstore").Text(),
            StringComparison.Ordinal
        );
    }

    /// <summary>Compares the tests' objects with kubectl's, if it is installed.</summary>
    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Kubectl_builds_the_same_objects(string overlay)
    {
        var built = await KubectlAsync(Path.Combine(Manifests.Folder, "overlays", overlay));
        Assert.SkipWhen(built is null, "kubectl is not installed");
        var theirs = YamlFile.Parse(built).Cast<YamlMappingNode>().ToDictionary(Key, Canonical);
        var ours = Manifests.Overlay(overlay).ToDictionary(Key, Canonical);
        Assert.Equal(theirs.Keys.Order(), ours.Keys.Order());
        Assert.All(ours, one => Assert.Equal(theirs[one.Key], one.Value));
    }

    private static IEnumerable<string> Problems(IEnumerable<YamlMappingNode> objects) =>
        objects
            .Where(o => !Manifests.IsCustom(o))
            .SelectMany(o => Types.Problems(o).Select(problem => $"{Key(o)}: {problem}"));

    private static void SkipWithoutTypes() =>
        Assert.SkipUnless(
            Directory.Exists(Package),
            "Kubernetes' types are not installed: run npm ci --ignore-scripts in the repository's root."
        );

    private static async Task<string?> KubectlAsync(string folder)
    {
        try
        {
            var start = new ProcessStartInfo("kubectl", ["kustomize", folder]) { RedirectStandardOutput = true };
            using var kubectl = Process.Start(start)!;
            var output = await kubectl.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await kubectl.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, kubectl.ExitCode);
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

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
