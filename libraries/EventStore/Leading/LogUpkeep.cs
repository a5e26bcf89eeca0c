namespace EventStore;

/// <summary>Drops old events, and keeps the directory of topics up to date.</summary>
internal sealed class LogUpkeep(Retention retention, TopicDirectory topics) : ILeaderTask
{
    public Task RunAsync(Term term, CancellationToken stopped) =>
        RestartingService.TogetherAsync(stopped, retention.RunAsync, topics.RunAsync);
}
