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
    public static Result? Run(
        string program,
        IEnumerable<string> arguments,
        string? input = null,
        string? folder = null,
        string? libraries = null,
        TimeSpan? timeout = null,
        Action? whileRunning = null
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
        for (
            var left = timeout ?? TimeSpan.FromMinutes(10);
            !process.WaitForExit(Interval(left));
            whileRunning?.Invoke()
        )
            if ((left -= Interval(left)) <= TimeSpan.Zero)
            {
                process.Kill(entireProcessTree: true);
                return new Result(TimedOut, $"{program} did not end within its timeout and was killed. {text}", "");
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
