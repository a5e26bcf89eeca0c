namespace StreamApi.Security;

/// <summary>Names of the operator's grants. No event has these topics.</summary>
internal static class SystemTopics
{
    public const string Root = "$sys",
        Connections = "$sys.connections";
}
