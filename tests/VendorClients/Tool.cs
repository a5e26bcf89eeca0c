using System.ComponentModel;
using System.Diagnostics;
using Harness;

namespace VendorClients;

/// <summary>A program that has ended.</summary>
internal sealed record ToolResult(int ExitCode, string Output, string Errors)
{
    private const int MaxWords = 600;

    /// <summary>The program's words of its failure, on one line.</summary>
    public string Words
    {
        get
        {
            var lines = $"{Errors}\n{Output}"
                .Split('\n', StringSplitOptions.TrimEntries)
                .Where(line => line.Length > 0);
            var said = string.Join(' ', lines.Distinct());
            return said.Length == 0 ? $"exit code {ExitCode}" : said[..Math.Min(said.Length, MaxWords)];
        }
    }
}

/// <summary>Runs programs that end with this one.</summary>
internal static class Tool
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs a program to its end. One that takes more than five minutes is killed, and has failed.</summary>
    public static async Task<ToolResult> RunAsync(
        string folder,
        string program,
        IEnumerable<string> arguments,
        CancellationToken stop
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Limit);

        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // A build server would outlive this program.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["DOTNET_NOLOGO"] = "1";

        using var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            return new ToolResult(127, "", $"{program} is not installed: {e.Message}");
        }

        ReapedProcesses.Add(process);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new ToolResult(process.ExitCode, Within(folder, await output), Within(folder, await errors));
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new ToolResult(124, "", $"{program} did not end within {Limit.TotalMinutes} minutes.");
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Returns a text with paths from the folder on.</summary>
    private static string Within(string folder, string text) =>
        text.Replace($"{folder}/", "", StringComparison.Ordinal);
}
