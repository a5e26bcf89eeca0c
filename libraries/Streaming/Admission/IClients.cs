namespace Streaming.Admission;

/// <summary>Tells clients apart. The host implements it, because streaming knows no credentials.</summary>
internal interface IClients
{
    ClientKey ClientOf(HttpContext context);

    /// <summary>Returns true if the caller's credential has ended since the request began.</summary>
    bool HasExpired(HttpContext context);
}
