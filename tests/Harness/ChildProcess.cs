using System.Collections.Concurrent;
using System.Diagnostics;
using Measuring;

namespace Harness;

/// <summary>A server that ends when this process ends, for whatever reason. A shell in between waits for the end of its
/// standard input, which comes when this process closes it or dies.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    // A background job of sh ignores SIGINT unless told otherwise, as Postgres does.
    // The shell itself must survive a Ctrl+C, which reaches the whole terminal.
    private const string Script = """
        trap '' INT
        signal=$1; shift
        "$@" </dev/null &
        server=$!
        read -r _
        kill -"$signal" "$server" 2>/dev/null
        (sleep 10; kill -KILL "$server") </dev/null >/dev/null 2>&1 &
        killer=$!
        wait "$server"
        kill "$killer" 2>/dev/null
        """;

    private readonly Process _shell;
    private readonly ConcurrentQueue<string> _output = new();

    private ChildProcess(Process shell)
    {
        _shell = shell;
        shell.OutputDataReceived += (_, line) => Keep(line.Data);
        shell.ErrorDataReceived += (_, line) => Keep(line.Data);
    }

    /// <summary>The server and its children.</summary>
    public IReadOnlyList<int> Processes => [.. ProcessTable.WithDescendants(_shell.Id).Where(pid => pid != _shell.Id)];

    public string Output => string.Join('\n', _output);

    /// <summary>Raised for every line that the server prints.</summary>
    public event Action<string>? Printed;

    /// <param name="signal">The signal for a clean end: TERM, or INT for Postgres.</param>
    public static ChildProcess Start(
        string name,
        IEnumerable<string> command,
        IReadOnlyDictionary<string, string>? environment = null,
        string signal = "TERM",
        string? folder = null
    )
    {
        var start = new ProcessStartInfo("sh", ["-c", Script, "server", signal, .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        // Only the load generator may set this (GeneratorProcess):
        // in a server, blocking code would hold up every socket.
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS");

        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
            start.Environment[key] = value;

        var shell = Process.Start(start) ?? throw new BenchmarkException($"{name} did not start.");
        var server = new ChildProcess(shell);
        server._shell.BeginOutputReadLine();
        server._shell.BeginErrorReadLine();

        return server;
    }

    public async ValueTask DisposeAsync()
    {
        _shell.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await _shell.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _shell.Kill(entireProcessTree: true);
        }

        _shell.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        Printed?.Invoke(line);
        _output.Enqueue(line);
        while (_output.Count > 100)
            _output.TryDequeue(out _);
    }
}
