// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace NBomber.Running;

/// <summary>Runs all scenarios side by side, after the init functions of all.</summary>
internal sealed class Session
{
    private readonly List<ScenarioRun> _scenarios;

    public Session(NBomberContext context)
    {
        CompletionTimeout = context.CompletionTimeout;
        _scenarios = [.. context.Scenarios.Select(props => new ScenarioRun(this, props))];
    }

    public TimeSpan CompletionTimeout { get; }

    public void Stop()
    {
        foreach (var scenario in _scenarios)
            scenario.Stop();
    }

    public async Task<ScenarioStats[]> RunAsync()
    {
        foreach (var scenario in _scenarios)
            if (scenario.Props.Init is { } init)
                await init(new InitContext()).ConfigureAwait(false);

        await Task.WhenAll(_scenarios.Select(scenario => scenario.RunAsync())).ConfigureAwait(false);
        return [.. _scenarios.Select(scenario => scenario.Stats())];
    }

    private sealed class InitContext : IScenarioInitContext;
}
