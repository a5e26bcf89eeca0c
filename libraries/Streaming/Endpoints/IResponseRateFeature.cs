namespace Streaming.Endpoints;

/// <summary>Feature of a host with a minimum read rate, which a stream disables: its client may be slow.</summary>
internal interface IResponseRateFeature
{
    void Disable();
}
