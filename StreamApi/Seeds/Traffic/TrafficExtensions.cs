namespace StreamApi.Seeds.Traffic;

/// <summary>Adds the demo traffic where it is enabled.</summary>
internal static class TrafficExtensions
{
    public static void AddTraffic(this WebApplicationBuilder builder)
    {
        if (builder.Configuration.GetValue<bool?>("Traffic:Enabled") ?? builder.Environment.IsDevelopment())
            builder.Services.AddHostedService<TrafficGenerator>();
    }
}
