namespace Streaming.Connections;

/// <summary>The right to read one stream.</summary>
/// <param name="Session">Notified when the stream opens and ends, or null if there is none.</param>
/// <param name="IsSignedIn">True if the right rests on a credential that may be withdrawn before its end.</param>
internal readonly record struct StreamGrant(ExpiryTimes Expiry, IStreamSession? Session, bool IsSignedIn = false)
{
    public static StreamGrant Endless => new(ExpiryTimes.Endless, null);
}
