namespace Microsoft.AspNetCore.Connections.Features;

/// <summary>Feature of a connection that a stream keeps while Kestrel's part of it has ended. Its
/// <see cref="IConnectionLifetimeFeature.ConnectionClosed"/> is signalled then, although the client is still
/// connected.</summary>
/// <remarks>Needed only by connection middleware that must know when a taken-over connection has been closed.</remarks>
public interface IDetachedConnectionFeature
{
    /// <summary>Calls back once when the connection has been closed, at once if it has been already. Safe to call from
    /// any thread.</summary>
    void OnClosed(Action callback);
}
