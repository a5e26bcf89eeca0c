namespace Harness.Builds;

/// <summary>The services under test, as built from one commit.</summary>
/// <param name="Name">The server's name in the results.</param>
/// <param name="StreamApi">The path of its dll.</param>
/// <param name="Broadcaster">The path of its dll.</param>
internal sealed record ServiceBuild(string Name, string StreamApi, string Broadcaster)
{
    /// <summary>The services that were built with this program.</summary>
    public static ServiceBuild Current { get; } =
        new("StreamApi", ServiceProcess.PathOf("StreamApi"), ServiceProcess.PathOf("Broadcaster"));

    /// <summary>Returns the path of a service's dll by the service's name.</summary>
    public string Of(string service) => service == "StreamApi" ? StreamApi : Broadcaster;
}
