namespace Streaming.Takeover;

/// <summary>Request feature of a connection that can outlive its request: HTTP/1.1 without TLS. It stays open without
/// HttpContext and pipeline state, in some 2 kB instead of 16.</summary>
internal interface IConnectionTakeover
{
    /// <summary>Holds the response head back from now on; call it before the response starts. Returns false for HTTP/2,
    /// HTTP/1.0, TLS, a started response or an open body: the request must then stay open.</summary>
    bool TryArm(HttpContext context);

    /// <summary>Hands the connection to <paramref name="run"/>, which must not hold the context, after Kestrel's loop
    /// has ended. Call it last, and return.</summary>
    void Complete(Func<TakenConnection, Task> run);
}
