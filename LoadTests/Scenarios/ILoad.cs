using LoadTests.Running;
using NBomber.Contracts;

namespace LoadTests.Scenarios;

/// <summary>A kind of client that a scenario is made of; one NBomber scenario each, all running side by side.</summary>
internal interface ILoad
{
    /// <param name="reading">How long readers may stay: publishing, and then the time to get what is still under
    /// way.</param>
    ScenarioProps Build(LoadRun run, TimeSpan reading);
}
