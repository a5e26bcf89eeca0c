namespace Integration.Security;

/// <summary>A replica with small limits, shared by several classes; each test has its own users.</summary>
public sealed class LimitedSystem : IAsyncLifetime
{
    private World _system = null!;

    internal Uri Server => _system.Replicas[0].Url;

    public async ValueTask InitializeAsync()
    {
        var settings = new Dictionary<string, string>(SecureSystem.Settings)
        {
            ["Limits__ResumesPerMinute"] = "15",
            ["Limits__PublishesPerSecond"] = "5",
            ["AspireSse__Llm__GenerationsPerMinute"] = "2",
            ["Limits__NewStreamsPerMinute"] = "10",
            ["Limits__PublishKilobytesPerSecond"] = "256",
            ["Limits__HeldMegabytes"] = "8",
            ["Limits__HeaderSeconds"] = "2",
            ["Limits__BodyGraceSeconds"] = "2",
            ["Limits__RequestsPerSecond"] = "20",
            ["Events__MaxArrayEvents"] = "10",
            ["Events__MaxPageBytes"] = "65536",
            ["AspireSse__EventStore__MaxBatchBytes"] = "65536",
            ["AspireSse__Llm__Providers__Demo__MaxConcurrent"] = "2", // one for each client
        };
        _system = await World.Start(o => o.Set(settings).ApiKey(SecureSystem.OperatorKey));
    }

    public ValueTask DisposeAsync() => _system.DisposeAsync();
}
