using Streaming.Connections;

namespace Streaming.Access;

/// <summary>Decides what a caller may do. The host implements it: streaming knows no credentials.</summary>
internal interface IStreamAccess
{
    /// <summary>The key of the client whose open streams are counted.</summary>
    string ClientOf(HttpContext context);

    /// <summary>The grant under which a stream of this request is open.</summary>
    StreamGrant GrantOf(HttpContext context);

    /// <summary>Whether the caller may read the topic.</summary>
    bool MayRead(HttpContext context, string topic);
}

/// <summary>The right to read one stream.</summary>
/// <param name="Expiry">When the right ends.</param>
/// <param name="Session">Told when the stream opens and ends; null: nobody.</param>
internal readonly record struct StreamGrant(StreamExpiry Expiry, IStreamSession? Session)
{
    public static StreamGrant Endless => new(StreamExpiry.Endless, null);
}

/// <summary>A credential that belongs to one stream at a time.</summary>
internal interface IStreamSession
{
    void Enter(OpenStream stream);

    void Leave(OpenStream stream);
}
