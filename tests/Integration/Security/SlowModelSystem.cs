namespace Integration.Security;

/// <summary>Two replicas that ask for credentials, with a model whose answer lasts longer than a test.</summary>
public sealed class SlowModelSystem : IAsyncLifetime
{
    private World _system = null!;

    internal Uri A => _system.Replicas[0].Url;
    internal Uri B => _system.Replicas[1].Url;

    public async ValueTask InitializeAsync()
    {
        var settings = new Dictionary<string, string>(SecureSystem.Settings)
        {
            ["AspireSse__Llm__Providers__Demo__TokensPerSecond"] = "2",
        };
        _system = await World.Start(o => o.Replicas(2).Set(settings).ApiKey(SecureSystem.OperatorKey));
    }

    public ValueTask DisposeAsync() => _system.DisposeAsync();
}
