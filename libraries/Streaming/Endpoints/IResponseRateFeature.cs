namespace Streaming.Endpoints;

/// <summary>Request feature of a host that requires a least reading speed of answers. A stream turns it off: it may be
/// read as slowly as its client likes.</summary>
internal interface IResponseRateFeature
{
    void Disable();
}
