namespace Streaming.Endpoints;

/// <summary>
/// Request feature of a host that enforces a minimum read rate. A stream disables it, because its client may read
/// slowly.
/// </summary>
internal interface IResponseRateFeature
{
    void Disable();
}
