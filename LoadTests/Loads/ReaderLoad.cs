using System.Collections.Concurrent;
using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;

namespace LoadTests.Loads;

/// <summary>
/// Clients that connect before anything is published, and stay. A measurement is one received event: an iteration
/// waits for the next one.
/// </summary>
internal sealed class ReaderLoad(string name, int count, TopicSet topics, bool oneTopicEach = false) : ILoad
{
    private const int ConnectsAtOnce = 200;
    private readonly ConcurrentQueue<LoadReader> _readers = new();

    /// <summary>Runs after each event of a reader.</summary>
    public Func<LoadReader, LoadRun, Task>? AfterEach { get; init; }

    /// <summary>True for readers that are slow on purpose; their latency says nothing about the server.</summary>
    public bool IsSlow { get; init; }

    public ScenarioProps Build(LoadRun run, TimeSpan reading) =>
        Scenario
            .Create(
                name,
                async context =>
                {
                    var reader = ReaderOf(context, run);
                    try
                    {
                        // The run ends before NBomber has cancelled each copy.
                        if (run.Reading.IsCancellationRequested)
                            await Task.Delay(Timeout.InfiniteTimeSpan, context.ScenarioCancellationToken);
                        // An ended stream fails once, with its cause, and not again in each iteration.
                        if (reader.HasFailed)
                            await Task.Delay(Timeout.InfiniteTimeSpan, run.Reading);

                        double milliseconds;
                        do if (!await reader.MoveNextAsync())
                            throw LoadReader.Ended();
                        while (!reader.TryReceive(out milliseconds));

                        if (AfterEach is { } afterEach)
                            await afterEach(reader, run);

                        return Response.Ok<object>("", reader.Bytes, "", milliseconds);
                    }
                    catch (OperationCanceledException) when (run.Reading.IsCancellationRequested)
                    {
                        throw new IgnoreMeasurementException();
                    }
                    catch
                    {
                        reader.HasFailed = true;
                        throw;
                    }
                }
            )
            .WithInit(_ => OpenAllAsync(run))
            .WithoutWarmUp()
            .WithLoadSimulations(Simulation.KeepConstant(count, reading));

    private LoadReader ReaderOf(IScenarioContext context, LoadRun run)
    {
        if (context.ScenarioInstanceData.TryGetValue("reader", out var mine))
            return (LoadReader)mine;

        run.Attach(context);
        if (!_readers.TryDequeue(out var reader))
            throw new LoadTestException($"{name} has more copies than readers.");

        context.ScenarioInstanceData["reader"] = reader;
        return reader;
    }

    private async Task OpenAllAsync(LoadRun run)
    {
        try
        {
            await Parallel.ForAsync(
                0,
                count,
                new ParallelOptions { MaxDegreeOfParallelism = ConnectsAtOnce, CancellationToken = run.Reading },
                async (i, _) => _readers.Enqueue(await OpenAsync(run, i))
            );
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            run.FailConnect(e);
            throw;
        }
    }

    private async Task<LoadReader> OpenAsync(LoadRun run, int index)
    {
        var lanes = topics.Lanes;
        var lane = oneTopicEach ? lanes[index % lanes.Count] : null;
        var account = lane is null
            ? topics.Ledger.AddReader($"{name} {index}")
            : topics.Ledger.AddReader($"{name} {index}", lane.Publisher);
        var reader = new LoadReader(run, lane?.Topic ?? topics.Pattern, account, IsSlow ? run.CatchUp : run.Delivery);

        await reader.OpenAsync(run.Reading);
        return reader;
    }
}
