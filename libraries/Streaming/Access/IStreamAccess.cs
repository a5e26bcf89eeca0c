using Streaming.Admission;

namespace Streaming.Access;

/// <summary>Decides the rights of a caller. The host implements it, because streaming knows no credentials.</summary>
internal interface IStreamAccess : IClients
{
    ClientKey ClientOfUser(string user);

    StreamGrant GrantOf(HttpContext context);

    bool MayRead(HttpContext context, string topic);

    /// <summary>Returns true if the caller may read a run: by the right to its topic, or as its owner.</summary>
    /// <param name="context">The request.</param>
    /// <param name="topic">The run's topic.</param>
    /// <param name="ownerOf">Reads the run's owner; null: it has none.</param>
    /// <param name="namesIt">True if the request has the run's random id, which only its reader was told.</param>
    async ValueTask<bool> MayReadRunAsync(
        HttpContext context,
        string topic,
        Func<Task<string?>> ownerOf,
        bool namesIt = true
    ) => MayRead(context, topic) || (OwnerOf(context) is { } user && await ownerOf() == user);

    /// <summary>Returns the caller as owner of what it begins, to be compared alone; null: anonymous, or a credential
    /// only for named topics.</summary>
    /// <exception cref="UnnamedCallerException">The caller has signed in, but its credential names nobody.</exception>
    string? OwnerOf(HttpContext context);

    /// <summary>Returns the caller as a ticket for it keeps it.</summary>
    TicketHolder HolderOf(HttpContext context);
}

/// <summary>The right to read one stream.</summary>
/// <param name="Session">Notified when the stream opens and ends; null: none.</param>
/// <param name="IsSignedIn">True if the right rests on a credential that may be withdrawn before its end.</param>
internal readonly record struct StreamGrant(ExpiryTimes Expiry, IStreamSession? Session, bool IsSignedIn = false)
{
    public static StreamGrant Endless => new(ExpiryTimes.Endless, null);
}

/// <summary>A credential that belongs to one stream at a time.</summary>
internal interface IStreamSession
{
    void Enter(ISessionStream stream);

    void Leave(ISessionStream stream);
}

/// <summary>An open stream, as its session knows it.</summary>
internal interface ISessionStream
{
    string Id { get; }

    /// <summary>Ends the stream because a newer one of its session has taken its place.</summary>
    void Replace();
}
