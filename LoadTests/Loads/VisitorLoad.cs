using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;

namespace LoadTests.Loads;

/// <summary>Clients that connect, read for a moment and leave, at a rate
/// independent of the server. A measurement is one connect.</summary>
internal sealed class VisitorLoad(string name, int perSecond, TimeSpan during, TimeSpan stay, TopicSet topics) : ILoad
{
    public ScenarioProps Build(LoadRun run, TimeSpan reading) =>
        Scenario
            .Create(
                name,
                async context =>
                {
                    run.Attach(context);
                    var account = topics.Ledger.AddReader($"{name} {context.ScenarioInfo.InstanceNumber}");
                    account.ExpectNothing();

                    await using var reader = new LoadReader(run, topics.Pattern, account, run.Delivery);
                    try
                    {
                        using var leave = CancellationTokenSource.CreateLinkedTokenSource(run.Reading);
                        var connected = await Step.Run(
                            "connect",
                            context,
                            () => ConnectAsync(reader, run, leave.Token)
                        );
                        if (connected.IsError)
                            return connected;

                        account.ExpectFromNow();
                        await reader.StayAsync(stay * (context.Random.NextDouble() + 0.5), leave);
                        return connected;
                    }
                    catch (OperationCanceledException) when (run.Reading.IsCancellationRequested)
                    {
                        throw new IgnoreMeasurementException();
                    }
                    finally
                    {
                        // A failed stream must receive everything published until now.
                        account.ExpectUntilNow();
                    }
                }
            )
            .WithoutWarmUp()
            .WithLoadSimulations(PublishLoad.AtRate(perSecond, during).Simulation);

    /// <summary>Connects. A step would record the end of the run as a timeout.</summary>
    private static async Task<Response<object>> ConnectAsync(LoadReader reader, LoadRun run, CancellationToken leave)
    {
        try
        {
            await reader.OpenAsync(leave);
            return Response.Ok();
        }
        catch (OperationCanceledException) when (run.Reading.IsCancellationRequested)
        {
            throw new IgnoreMeasurementException();
        }
    }
}
