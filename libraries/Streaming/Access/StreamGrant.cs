namespace Streaming.Access;

/// <summary>The right to read one stream.</summary>
/// <param name="Session">Notified when the stream opens and ends. Null if there is none.</param>
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
