using System.Collections.Concurrent;
using LoadTests.Running;
using NBomber.Contracts;
using NBomber.CSharp;

namespace LoadTests.Scenarios;

/// <summary>Clients that connect, read for a moment and leave, at a rate
/// independent of the server. A measurement is one connect.</summary>
internal sealed class VisitorLoad(string name, int perSecond, TimeSpan during, TimeSpan stay, TopicSet topics)
    : ILoad,
        IDepartures
{
    private readonly ConcurrentQueue<LoadReader> _left = new();

    public ScenarioProps Build(LoadRun run, TimeSpan reading) =>
        Scenario
            .Create(
                name,
                async context =>
                {
                    run.Attach(context);
                    var reader = new LoadReader(
                        run,
                        topics.Pattern,
                        topics.Ledger.AddReader($"{name} {context.ScenarioInfo.InstanceNumber}"),
                        run.Delivery
                    );
                    reader.TrackLast();
                    try
                    {
                        using var leave = CancellationTokenSource.CreateLinkedTokenSource(run.Reading);
                        var connected = await Step.Run(
                            "connect",
                            context,
                            async () =>
                            {
                                await reader.OpenAsync(leave.Token);
                                return Response.Ok();
                            }
                        );
                        reader.Account.ExpectFromNow();
                        await reader.StayAsync(stay * (context.Random.NextDouble() + 0.5), leave);
                        return connected;
                    }
                    catch (OperationCanceledException) when (run.Reading.IsCancellationRequested)
                    {
                        throw new IgnoreMeasurementException();
                    }
                    finally
                    {
                        await reader.DisposeAsync();
                        _left.Enqueue(reader);
                    }
                }
            )
            .WithoutWarmUp()
            .WithLoadSimulations(PublishLoad.AtRate(perSecond, during));

    public void ExcuseDeparted()
    {
        var publishers = topics.Lanes.Select(l => l.Publisher).ToList();
        foreach (var reader in _left)
            reader.ExcuseAfterLeaving(publishers);
    }
}

/// <summary>A load with clients that leave before the end.</summary>
internal interface IDepartures
{
    /// <summary>Excuses the events published after each client's departure.</summary>
    void ExcuseDeparted();
}
