namespace Reliability.Abuse;

/// <summary>The threads of the load process.</summary>
internal static class Attack
{
    /// <summary>Runs the work on this number of threads; completes when all have returned.</summary>
    public static Task OnThreads(int threads, Action<int> work) =>
        Task.WhenAll(
            Enumerable
                .Range(0, threads)
                .Select(number =>
                {
                    var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    new Thread(() =>
                    {
                        try
                        {
                            work(number);
                            done.SetResult();
                        }
                        catch (Exception e)
                        {
                            done.SetException(e);
                        }
                    })
                    {
                        IsBackground = true,
                        Name = "load",
                    }.Start();

                    return done.Task;
                })
        );
}
