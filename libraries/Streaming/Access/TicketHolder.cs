namespace Streaming.Access;

/// <summary>A caller in the form that its tickets keep.</summary>
/// <param name="User">Name of the caller, or null if the caller needs none or its claims contain the name.</param>
/// <param name="Until">End of the caller's credential, and so of its tickets, or null if there is none.</param>
/// <param name="Key">Fingerprint of the key behind the credential, or null if there is none.</param>
/// <param name="Principal">The caller's claims in an application with policies, or null in another application.</param>
internal sealed record TicketHolder(
    string? User,
    DateTimeOffset? Until = null,
    string? Key = null,
    byte[]? Principal = null
)
{
    public static TicketHolder Of(StreamCaller caller) => new(caller.User, caller.Until, caller.Key);
}
