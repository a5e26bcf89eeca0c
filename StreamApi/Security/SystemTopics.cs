namespace StreamApi.Security;

/// <summary>
/// Names of the operator's grants: the right to read <see cref="Connections"/> lists the open streams, and the right to
/// publish to it closes them; the right to publish to <see cref="Erasures"/> erases events. No event has these topics,
/// and no client may publish one.
/// </summary>
internal static class SystemTopics
{
    public const string Root = "$sys",
        Connections = "$sys.connections",
        Erasures = "$sys.erasures";
}
