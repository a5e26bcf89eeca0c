using Harness;
using LocalServices;

namespace Reliability.Compose;

/// <summary>A container engine with compose: docker with its plugin, or podman with podman-compose.</summary>
internal sealed record ComposeEngine(string Program, IReadOnlyList<string> Compose, char Separator)
{
    private static readonly ComposeEngine Docker = new("docker", ["docker", "compose"], '-');
    private static readonly ComposeEngine Podman = new("podman", ["podman-compose"], '_');

    /// <summary>The command that builds an image. Podman's default format has no health check.</summary>
    public string Build => Program == "podman" ? "podman build --format docker --isolation chroot" : "docker build";

    /// <summary>Returns the first engine that answers, or null and the reason.</summary>
    /// <param name="asTheyAre">Requires all images to be there and the services' to be of this commit: nothing is
    /// built or pulled.</param>
    public static (ComposeEngine? Engine, string Reason) Find(bool asTheyAre)
    {
        foreach (var engine in (ComposeEngine[])[Docker, Podman])
        {
            if (Answer([engine.Program, "version", "--format", "{{.Server.Version}}"]) is null)
                continue;
            if (Answer([.. engine.Compose, "version"]) is null)
                continue;
            return engine.Refusal(asTheyAre) is { } reason ? (null, reason) : (engine, "");
        }
        return (null, "no container engine with compose answers (docker compose version, podman-compose version).");
    }

    /// <summary>Returns the name that compose gives a service's container.</summary>
    public string ContainerOf(string project, string service) => $"{project}{Separator}{service}{Separator}1";

    private string? Refusal(bool asTheyAre)
    {
        var head = asTheyAre ? Answer(["git", "-C", Repository.Root, "rev-parse", "HEAD"]) : null;

        foreach (var image in Images().Where(i => asTheyAre || IsOwn(i)))
        {
            var revision = Answer([Program, "image", "inspect", "--format", "{{.Id}} {{json .Config.Labels}}", image]);
            if (revision is null)
                return $"{Program} has no image {image}. "
                    + (IsOwn(image) ? "Run eng/images first." : "Pull it, or name another (docs/compose.md).");
            if (head is not null && IsOwn(image) && !revision.Contains(head, StringComparison.Ordinal))
                return $"{image} is not of this commit. Run eng/images first.";
        }

        return null;
    }

    private static IEnumerable<string> Images() =>
        ComposeImages.Of(
            File.ReadAllText(Path.Combine(Repository.Root, "deploy", "compose.yaml")),
            ComposeImages.Chosen
        );

    private static bool IsOwn(string image) =>
        image.StartsWith("aspire-sse/", StringComparison.Ordinal)
        && !image.StartsWith("aspire-sse/base-", StringComparison.Ordinal);

    /// <summary>Returns what a command prints, or null if it fails, prints nothing, or is not installed.</summary>
    private static string? Answer(IReadOnlyList<string> command) =>
        Command.Run(command[0], command.Skip(1), timeout: TimeSpan.FromSeconds(20))
            is { ExitCode: 0, Answer: { Length: > 0 } answer }
            ? answer
            : null;
}
