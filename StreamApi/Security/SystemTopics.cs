namespace StreamApi.Security;

/// <summary>Topics that the system itself publishes; reading them requires a grant that names them.</summary>
internal static class SystemTopics
{
    public const string Root = "$sys",
        Connections = "$sys.connections";
}
