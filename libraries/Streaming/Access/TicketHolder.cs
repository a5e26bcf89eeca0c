namespace Streaming.Access;

/// <summary>A caller, as its tickets keep it.</summary>
/// <param name="User">Name of the caller, or null if it needs none, or its claims have it.</param>
/// <param name="Until">End of the caller's credential, and so of its tickets, or null if there is none.</param>
/// <param name="Key">Fingerprint of the key behind the credential, or null if there is none.</param>
/// <param name="Principal">The caller's claims, where policies ask for them, or null if there is none.</param>
internal sealed record TicketHolder(
    string? User,
    DateTimeOffset? Until = null,
    string? Key = null,
    byte[]? Principal = null
)
{
    public static TicketHolder Of(StreamCaller caller) => new(caller.User, caller.Until, caller.Key);
}
