using System.Globalization;
using System.Text.RegularExpressions;
using Harness.Deployments;
using Unit.EventStore;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>Postgres accepts every connection that the services of a deployment may open.</summary>
public sealed partial class ConnectionTests
{
    /// <summary>Postgres keeps three for superusers; an operator, a dump and the migrations need some.</summary>
    private const int Others = 10;

    [Theory]
    [InlineData("one-node")]
    [InlineData("ha")]
    public void Postgres_accepts_the_connections_of_an_upgrade_at_full_scale(string overlay)
    {
        var objects = Manifests.Overlay(overlay);
        var processes = ((string[])["streamapi", "broadcaster"]).Sum(name => MostPods(objects, name));
        var postgres =
            objects.SingleOrDefault(Manifests.IsCustom)?.At("spec.postgresql.parameters.max_connections").Text()
            ?? Limit(string.Join(' ', Arguments(objects.Named("StatefulSet", "postgres"))));
        AssertEnough(processes, postgres);
    }

    [Fact]
    public void Postgres_accepts_the_connections_of_the_compose_file()
    {
        var file = Path.Combine(Repository.Root, "deploy", "compose.yaml");
        var processes = ComposeFile
            .Services(file, image: new Dictionary<string, string>())
            .Where(s => s.Name is "streamapi" or "broadcaster")
            .Sum(s => s.Replicas);
        AssertEnough(processes, Limit(File.ReadAllText(file)));
    }

    /// <summary>The units that docs/bare-metal.md enables, and the Postgres that it sets up.</summary>
    [Fact]
    public void Postgres_accepts_the_connections_of_the_units()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "bare-metal.md"));
        var enabled = page.Split('\n').Single(l => l.StartsWith("systemctl enable ", StringComparison.Ordinal));
        AssertEnough(enabled.Split(' ').Count(unit => unit.Contains('@')), Limit(page));
    }

    /// <summary>Its publishers write the same arguments.</summary>
    [Theory]
    [InlineData("ContainerStores.cs")]
    [InlineData("NativeStores.cs")]
    public void Postgres_accepts_the_connections_of_the_AppHost(string file) =>
        AssertEnough(4, Limit(File.ReadAllText(Path.Combine(Repository.Root, "libraries", "LocalServices", file))));

    private static void AssertEnough(int processes, string maxConnections)
    {
        Assert.True(processes >= 4, $"{processes}");
        var most = (processes * StorePoolTests.MostConnections()) + Others;
        Assert.True(Number(maxConnections) >= most, $"max_connections {maxConnections}, but {most} may be needed");
    }

    /// <summary>Its most replicas, and the one that an upgrade adds.</summary>
    private static int MostPods(IReadOnlyList<YamlMappingNode> objects, string deployment)
    {
        var spec = objects.Named("Deployment", deployment).At("spec");
        var scaler = objects
            .Kind("HorizontalPodAutoscaler")
            .SingleOrDefault(s => s.At("spec.scaleTargetRef.name").Text() == deployment);
        return Number((scaler?.At("spec.maxReplicas") ?? spec.At("replicas")).Text())
            + Number(spec.At("strategy.rollingUpdate.maxSurge").Text());
    }

    private static IEnumerable<string> Arguments(YamlNode workload) =>
        Manifests.Containers(workload.At("spec.template")!).SelectMany(c => c.Items("args")).Select(a => a.Text());

    private static string Limit(string text) => MaxConnections().Match(text).Groups["limit"].Value;

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"max_connections=(?<limit>\d+)")]
    private static partial Regex MaxConnections();
}
