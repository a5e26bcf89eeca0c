using System.Diagnostics;
using AspireSse.Client.Publishing;
using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;

namespace LoadTests.Loads;

/// <summary>
/// Publishes at a rate independent of the server's speed (open model). A measurement is one publish until its
/// acknowledgement.
/// </summary>
internal sealed class PublishLoad(string name, TopicSet topics, int bytes, params Injection[] parts) : ILoad
{
    public ScenarioProps Build(LoadRun run, TimeSpan reading)
    {
        run.Scheduled += parts.Sum(part => part.Count);
        return Scenario
            .Create(
                name,
                async context =>
                {
                    run.Attach(context);
                    return await PublishOneAsync(run);
                }
            )
            .WithoutWarmUp()
            .WithLoadSimulations([.. parts.Select(part => part.Simulation)]);
    }

    private async Task<IResponse> PublishOneAsync(LoadRun run)
    {
        run.Counters.RecordPublished();
        // The latency starts here, because waiting for a free lane is caused by the server.
        var started = Stopwatch.GetTimestamp();
        var publishedAt = LoadEvent.Now();
        var lane = await topics.TakeAsync(run.Reading);
        var sequence = lane.Publisher.Next();
        try
        {
            var published = await run.Publisher.PublishAsync(
                new OutgoingEvent(
                    lane.Topic,
                    "load",
                    LoadEvent.Json(lane.Publisher.Number, sequence, publishedAt, bytes)
                ),
                run.Reading
            );
            lane.Publisher.Acknowledge(sequence, published.Position);
            run.Counters.RecordAcknowledged();
            run.Publish.Record(Stopwatch.GetElapsedTime(started));

            return Response.Ok<object>("", bytes, "", Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (OperationCanceledException) when (run.Reading.IsCancellationRequested)
        {
            throw new IgnoreMeasurementException();
        }
        catch (Exception e)
        {
            run.Counters.RecordFailed();
            if (e is not PublishException refused)
                throw;

            return Response.Fail<object>(
                refused.StatusCode is { } status
                    ? ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture)
                    : "no answer",
                e.Message
            );
        }
        finally
        {
            topics.PutBack(lane);
        }
    }

    /// <summary>Injects at a constant rate: at most 100 times a
    /// second, several publishes at a time for higher rates.</summary>
    public static Injection AtRate(int perSecond, TimeSpan during)
    {
        var (rate, interval) = Intervals(perSecond);
        return new(Simulation.Inject(rate, interval, during), rate * Math.Floor(during / interval));
    }

    /// <summary>Injects at a rate that changes linearly from zero.</summary>
    public static Injection RampTo(int perSecond, TimeSpan during)
    {
        var (rate, interval) = Intervals(perSecond);
        return new(Simulation.RampingInject(rate, interval, during), rate * Math.Floor(during / interval) / 2);
    }

    public static Injection Wait(TimeSpan during) => new(Simulation.Pause(during), 0);

    private static (int Rate, TimeSpan Interval) Intervals(int perSecond)
    {
        var atOnce = (perSecond + 99) / 100;
        return (atOnce, TimeSpan.FromSeconds((double)atOnce / perSecond));
    }
}

/// <summary>A part of a load's schedule.</summary>
/// <param name="Simulation">The rate at which NBomber starts iterations.</param>
/// <param name="Count">The number of iterations that it asks for.</param>
internal sealed record Injection(LoadSimulation Simulation, double Count);
