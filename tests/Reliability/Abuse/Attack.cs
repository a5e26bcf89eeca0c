using System.Runtime.InteropServices;

namespace Reliability.Abuse;

/// <summary>The abuser's threads. He would have a machine of his own; here the lowest priority keeps his own work, though not what he causes, from the others.</summary>
internal static partial class Attack
{
    /// <summary>Runs on as many threads at once; completes when all have returned.</summary>
    public static Task OnThreads(int threads, Action<int> work) => Task.WhenAll(Enumerable.Range(0, threads).Select(number =>
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            _ = setpriority(0, 0, 19);      // of this thread (Linux)
            try
            {
                work(number);
                done.SetResult();
            }
            catch (Exception e) { done.SetException(e); }
        }) { IsBackground = true, Name = "abuser" }.Start();
        return done.Task;
    }));

    [LibraryImport("libc")]
    private static partial int setpriority(int which, int who, int priority);
}
