// Part of the stand-in for Aspire.Hosting: fetches the programs that the packages Aspire.Hosting.Orchestration
// and Aspire.Dashboard.Sdk would bring. Not affiliated with Microsoft or the .NET Foundation.
using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Aspire.Hosting.Bundle;

internal static class Command
{
    /// <summary>Runs a program to its end and returns its exit code
    /// and output, or null where the program does not exist.</summary>
    public static async Task<(int ExitCode, string Output)?> RunAsync(
        string program,
        string[] arguments,
        string folder,
        Dictionary<string, string> environment,
        CancellationToken cancellation
    )
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        foreach (var (name, value) in environment)
            process.StartInfo.Environment[name] = value;

        var text = new StringBuilder();
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return null;
        }

        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit(TimeSpan.FromSeconds(5));
            throw;
        }

        return (process.ExitCode, text.ToString().Trim());

        void Append(string? line)
        {
            lock (text)
                text.AppendLine(line);
        }
    }
}
