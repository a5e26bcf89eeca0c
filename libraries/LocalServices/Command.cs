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
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder ?? "",
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.StartInfo.Environment["LC_ALL"] = "C";
        if (libraries is not null)
            process.StartInfo.Environment["LD_LIBRARY_PATH"] = libraries;

        var (text, answer) = (new StringBuilder(), new StringBuilder());
        process.OutputDataReceived += (_, line) =>
        {
            Append(line.Data);
            answer.AppendLine(line.Data);
        };
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return null;
        }

        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var limit = timeout ?? TimeSpan.FromMinutes(10);
        var (left, last) = (limit, 0L);
        while (!process.WaitForExit(Interval(left)))
        {
            left -= Interval(left);
            if (progress?.Invoke() is { } now && now != last)
                (left, last) = (limit, now);
            if (left > TimeSpan.Zero)
                continue;

            process.Kill(entireProcessTree: true);
            var why = progress is null
                ? "did not end within its timeout"
                : $"made no progress for {limit.TotalSeconds:0} s";
            return new Result(TimedOut, $"{program} {why} and was killed. {text}", "");
        }

        process.WaitForExit(); // reads the rest of the output
        return new Result(process.ExitCode, text.ToString().Trim(), answer.ToString().Trim());

        static TimeSpan Interval(TimeSpan left) => left < TimeSpan.FromSeconds(2) ? left : TimeSpan.FromSeconds(2);

        void Append(string? line)
        {
            lock (text)
                text.AppendLine(line);
        }
    }
}
