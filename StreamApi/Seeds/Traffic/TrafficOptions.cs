using System.ComponentModel.DataAnnotations;

namespace StreamApi.Seeds.Traffic;

/// <summary>Made-up traffic; section <c>Traffic</c>.</summary>
internal sealed class TrafficOptions
{
    /// <summary>Whether there is any; where nothing is said, in Development only.</summary>
    public bool? Enabled { get; set; }

    /// <summary>From one change to the next, in milliseconds.</summary>
    [Range(10, 3_600_000)]
    public int IntervalMilliseconds { get; set; } = 3_000;
}

internal static class TrafficExtensions
{
    public static void AddTraffic(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<TrafficOptions>()
            .BindConfiguration("Traffic")
            .ValidateDataAnnotations()
            .ValidateOnStart();
        if (builder.Configuration.GetValue<bool?>("Traffic:Enabled") ?? builder.Environment.IsDevelopment())
            builder.Services.AddHostedService<TrafficGenerator>();
    }
}
