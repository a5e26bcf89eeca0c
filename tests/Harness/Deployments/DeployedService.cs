namespace Harness.Deployments;

/// <summary>A service as one way of deployment runs it.</summary>
/// <param name="Name">The AppHost's name of it.</param>
/// <param name="Replicas">Their number at the start.</param>
/// <param name="Ports">The ports that its replicas listen on.</param>
/// <param name="Arguments">The program's arguments.</param>
/// <param name="Environment">Variables and their values; empty for a reference.</param>
internal sealed record DeployedService(
    string Name,
    int Replicas,
    IReadOnlyList<string> Ports,
    string Arguments,
    IReadOnlyDictionary<string, string> Environment
);
