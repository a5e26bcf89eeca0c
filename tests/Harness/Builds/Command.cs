using System.ComponentModel;
using System.Diagnostics;

namespace Harness.Builds;

/// <summary>Runs a program to its end.</summary>
internal static class Command
{
    /// <summary>Returns the program's output; throws it when the program failed.</summary>
    public static async Task<string> RunAsync(
        string name,
        IEnumerable<string> command,
        CancellationToken cancellationToken
    )
    {
        var start = new ProcessStartInfo(command.First(), command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Start(name, start);
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            // A load generator reads pipes on the thread of its sockets (GeneratorProcess): a caller must not block it.
            await Task.Yield();

            return process.ExitCode == 0
                ? output
                : throw new BenchmarkException($"{name} failed:\n{output}\n{await errors}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static Process Start(string name, ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new BenchmarkException($"{name} did not start.");
        }
        catch (Win32Exception e)
        {
            throw new BenchmarkException($"{name} did not start: {e.Message}");
        }
    }
}
