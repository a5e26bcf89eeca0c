using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace LocalServices;

/// <summary>Runs a program to its end while the AppHost is being built.</summary>
internal static class Command
{
    /// <summary>The exit code of a run past its timeout.</summary>
    public const int TimedOut = -1;

    /// <param name="ExitCode">The exit code, or <see cref="TimedOut"/>.</param>
    /// <param name="Output">Standard output and errors, as they came.</param>
    /// <param name="Answer">Standard output alone.</param>
    internal sealed record Result(int ExitCode, string Output, string Answer);

    /// <summary>Returns the exit code and the output, or null when the program does
    /// not exist. A run past its timeout is killed and counts as failed.</summary>
    /// <param name="program">The program's name or path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">Its standard input.</param>
    /// <param name="folder">Its working directory.</param>
    /// <param name="libraries">The value of <c>LD_LIBRARY_PATH</c>.</param>
    /// <param name="timeout">Default: 10 minutes.</param>
    /// <param name="progress">Called every two seconds. The timeout begins again when its value changes, so that a
    /// slow download may take its time.</param>
    public static Result? Run(
        string program,
        IEnumerable<string> arguments,
        string? input = null,
        string? folder = null,
        string? libraries = null,
        TimeSpan? timeout = null,
        Func<long>? progress = null
    )
    {
        using var process = new Process { StartInfo = Describe(program, arguments, folder, libraries) };
        var output = new Output(process);

        if (!TryStart(process, input))
            return null;

        var limit = timeout ?? TimeSpan.FromMinutes(10);
        if (!EndsWithin(limit, process, progress))
        {
            process.Kill(entireProcessTree: true);
            var why = progress is null
                ? "did not end within its timeout"
                : $"made no progress for {limit.TotalSeconds:0} s";
            return new Result(TimedOut, $"{program} {why} and was killed. {output.Text}", "");
        }

        process.WaitForExit(); // reads the rest of the output
        return new Result(process.ExitCode, output.Text.Trim(), output.Answer.Trim());
    }

    private static ProcessStartInfo Describe(
        string program,
        IEnumerable<string> arguments,
        string? folder,
        string? libraries
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder ?? "",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C";

        if (libraries is not null)
            start.Environment["LD_LIBRARY_PATH"] = libraries;

        return start;
    }

    /// <summary>Starts the program and gives it its input. Returns false when it does not exist.</summary>
    private static bool TryStart(Process process, string? input)
    {
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return false;
        }

        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException) { } // it ended before it had read everything; its output says why

        return true;
    }

    /// <summary>Waits for the end of the program. Each progress begins the limit again.</summary>
    private static bool EndsWithin(TimeSpan limit, Process process, Func<long>? progress)
    {
        var left = limit;
        var last = 0L;
        while (!process.WaitForExit(Interval(left)))
        {
            left -= Interval(left);

            if (progress?.Invoke() is { } now && now != last)
            {
                left = limit;
                last = now;
            }

            if (left <= TimeSpan.Zero)
                return false;
        }

        return true;

        static TimeSpan Interval(TimeSpan left) => left < TimeSpan.FromSeconds(2) ? left : TimeSpan.FromSeconds(2);
    }

    /// <summary>Collects the output of a process, whose two streams come on two threads.</summary>
    private sealed class Output
    {
        private readonly Lock _gate = new();
        private readonly StringBuilder _text = new();
        private readonly StringBuilder _answer = new();

        public Output(Process process)
        {
            process.OutputDataReceived += (_, line) => Append(line.Data, _text, _answer);
            process.ErrorDataReceived += (_, line) => Append(line.Data, _text);
        }

        /// <summary>Standard output and errors, as they came.</summary>
        public string Text => Read(_text);

        /// <summary>Standard output alone.</summary>
        public string Answer => Read(_answer);

        private void Append(string? line, params ReadOnlySpan<StringBuilder> texts)
        {
            lock (_gate)
                foreach (var text in texts)
                    text.AppendLine(line);
        }

        private string Read(StringBuilder text)
        {
            lock (_gate)
                return text.ToString();
        }
    }
}
