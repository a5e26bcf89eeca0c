using Streaming.Admission;

namespace Streaming.Access;

/// <summary>Decides the rights of a caller. The host implements it, because streaming knows no credentials.</summary>
internal interface IStreamAccess : IClients
{
    /// <summary>Returns the client for a user (<see cref="OwnerOf"/>) without a request.</summary>
    ClientKey ClientOfUser(string user);

    /// <summary>Returns the grant for a stream of this request.</summary>
    StreamGrant GrantOf(HttpContext context);

    /// <summary>Returns true if the caller may read the topic.</summary>
    bool MayRead(HttpContext context, string topic);

    /// <summary>Returns the user whose runs the caller owns; null for an anonymous caller, and for a credential that is
    /// valid only for named topics.</summary>
    string? OwnerOf(HttpContext context);
}

/// <summary>The right to read one stream.</summary>
/// <param name="Expiry">When the right ends.</param>
/// <param name="Session">Notified when the stream opens and ends; null: none.</param>
internal readonly record struct StreamGrant(StreamExpiry Expiry, IStreamSession? Session)
{
    public static StreamGrant Endless => new(StreamExpiry.Endless, null);
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
