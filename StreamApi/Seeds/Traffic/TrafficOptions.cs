namespace StreamApi.Seeds.Traffic;

/// <summary>Options of the demo traffic; section <c>Traffic</c>.</summary>
internal sealed class TrafficOptions
{
    /// <summary>Enables the traffic; default: in Development only.</summary>
    public bool? Enabled { get; set; }
}
