using System.Diagnostics;

namespace Harness;

/// <summary>Ends processes when this one ends, for whatever reason: a shell waits for the end of its standard input,
/// which comes when this process dies.</summary>
internal static class ReapedProcesses
{
    // The shell itself must survive a signal to the whole group, such as Ctrl+C.
    private const string Script = """
        trap '' INT TERM
        alive=' '
        while read -r sign pid; do
            case "$sign$alive" in
                +*) alive="$alive$pid " ;;
                *" $pid "*) alive="${alive%% "$pid" *} ${alive#* "$pid" }" ;;
            esac
        done
        for pid in $alive; do kill -KILL "$pid" 2>/dev/null; done
        """;

    private static readonly Lock Gate = new();
    private static readonly Lazy<StreamWriter> Shell = new(() =>
        Process
            .Start(
                new ProcessStartInfo("sh", ["-c", Script])
                {
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                }
            )!
            .StandardInput
    );

    /// <summary>Ends this process together with the one that calls.</summary>
    public static void Add(Process process)
    {
        var pid = process.Id;
        Say($"+ {pid}");
        // Another program may get the id of one that has ended.
        process.Exited += (_, _) => Say($"- {pid}");
        if (process.HasExited)
            Say($"- {pid}");
    }

    private static void Say(string line)
    {
        lock (Gate)
        {
            try
            {
                Shell.Value.WriteLine(line);
                Shell.Value.Flush();
            }
            catch (IOException) { } // the shell was killed: then nothing reaps
        }
    }
}
