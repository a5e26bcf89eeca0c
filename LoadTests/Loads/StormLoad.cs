using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;

namespace LoadTests.Loads;

/// <summary>Clients that connect all at once and stay. A measurement
/// is one connect, until the server's `connected` event.</summary>
internal sealed class StormLoad(string name, int count, TimeSpan during, TopicSet topics) : ILoad
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    public ScenarioProps Build(LoadRun run, TimeSpan reading)
    {
        var intervals = Math.Max(1, (int)(during / Interval));
        var atOnce = (count + intervals - 1) / intervals;
        var begun = 0;

        return Scenario
            .Create(
                name,
                async context =>
                {
                    run.Attach(context);
                    // The last interval asks for more than are left.
                    if (Interlocked.Increment(ref begun) > count)
                        throw new IgnoreMeasurementException();

                    // A stream starts at the head, so a late client is not expected to receive earlier events.
                    var account = topics.Ledger.AddReader($"{name} {context.ScenarioInfo.InstanceNumber}");
                    account.ExpectNothing();

                    var reader = new LoadReader(run, topics.Pattern, account, run.Delivery);
                    try
                    {
                        await reader.OpenAsync(run.Reading);
                        account.ExpectFromNow();
                        _ = ReadAsync(reader);
                        return Response.Ok();
                    }
                    catch (OperationCanceledException) when (run.Reading.IsCancellationRequested)
                    {
                        throw new IgnoreMeasurementException();
                    }
                }
            )
            .WithoutWarmUp()
            .WithLoadSimulations(Simulation.Inject(atOnce, Interval, Interval * ((count + atOnce - 1) / atOnce)));
    }

    // Outlives its scenario and ends with the run; the ledger finds its errors.
    private static async Task ReadAsync(LoadReader reader)
    {
        try
        {
            while (true)
                await reader.NextAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or AspireSse.Client.SseException or LoadTestException)
        { }
    }
}
