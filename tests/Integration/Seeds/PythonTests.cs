using System.Diagnostics;
using System.Reflection;
using System.Text;
using Harness;

namespace Integration.Seeds;

/// <summary>The Python client, its examples, and the articles' own programs, with the python3 of this
/// machine.</summary>
[Collection("Shop")] // the pets are everybody's
public sealed class PythonTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    public static string Root => Repository.Root;

    private static readonly string Client = Path.Combine(Root, "clients", "python");
    private static readonly string Articles = Path.Combine(Root, "tests", "Integration", "Seeds", "Articles");

    [Fact]
    public async Task The_clients_own_tests_pass()
    {
        await using var tests = Start(Client, "-m", "unittest", "discover", "-s", "tests");
        await tests.EndAsync();
    }

    [Theory]
    [InlineData(
        "basics.py",
        "item 3: Meeseeks Box at 49.99",
        "word by word",
        "WARN  High memory usage detected",
        "Event at "
    )]
    [InlineData("petstore.py", "order: payment_processing", "order: shipped 1Z", "stock of ", " ms")]
    [InlineData("tasks.py", "task_created todo", "task_updated in_progress", "task_updated done")]
    [InlineData("events.py", "connected to ", "greeting at ", "こんにちは")]
    [InlineData("chat.py", "server-sent events are good for")]
    [InlineData("agent.py", "[search_pets {'query': ", "[-> [{'petId': ", "Fluffy", "Which cats do you have?")]
    [InlineData("resilient.py", "(after 2 retries)", "given up: ")]
    public async Task An_example_runs_as_it_is(string example, params string[] says)
    {
        await using var program = Start(Client, Path.Combine("examples", example), A.ToString());
        var output = await program.EndAsync();
        Assert.All(says, text => Assert.Contains(text, output));
    }

    [Fact]
    public void Every_example_is_run_by_a_test()
    {
        var run = typeof(PythonTests)
            .GetMethod(nameof(An_example_runs_as_it_is))!
            .GetCustomAttributes<InlineDataAttribute>()
            .Select(row => (string)row.Data[0]!);

        var there = Directory
            .EnumerateFiles(Path.Combine(Client, "examples"), "*.py")
            .Select(file => Path.GetFileName(file))
            .Where(name => !name.StartsWith('_'));
        Assert.Equal(there.Order(StringComparer.Ordinal), run.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_client_reads_on_after_its_connection_was_cut()
    {
        await using var link = new FaultyLink(A.Host, A.Port);
        var path = $"/sse/resilient/s{Guid.NewGuid():N}";
        await using var program = Start(
            Client,
            "-c",
            $$"""
            import sys; sys.path.insert(0, ".")
            from aspire_sse import SSEClient
            for event in SSEClient("http://127.0.0.1:{{link.Port}}{{path}}", initial_delay=0.1, max_delay=0.5):
                print(event.json()["id"], flush=True)
            """
        );

        await program.WaitForAsync(lines => lines.Length >= 3);
        link.Cut();
        var cutAt = program.Lines.Length;

        link.Heal();
        await program.WaitForAsync(lines => lines.Length >= cutAt + 5);
        var numbers = program.Lines;

        Assert.Equal(Enumerable.Range(1, numbers.Length).Select(n => $"{n}"), numbers);
    }

    [Fact]
    public async Task The_task_articles_client_runs_as_it_is_written()
    {
        await using var program = Start(Articles, "tasks_client.py", B.ToString().TrimEnd('/'));
        await program.WaitForAsync(lines =>
            lines.Any(l => l.Contains("SSE connection established", StringComparison.Ordinal))
        );

        var task = await SeedRequests.PostAsync(A, "/tasks", new { title = "from the article" });
        await SeedRequests.JsonAsync(A, HttpMethod.Put, $"/tasks/status/{task.Text("id")}?new_status=done");
        await program.WaitForAsync(lines =>
            lines.Any(l =>
                l.Contains("'event': 'task_updated'", StringComparison.Ordinal)
                && l.Contains(task.Text("id")!, StringComparison.Ordinal)
            )
        );
    }

    [Fact]
    public async Task The_agent_articles_client_gets_the_whole_answer_and_ends()
    {
        await using var program = Start(Articles, "agent_client.py", B.ToString().TrimEnd('/'), "こんにちは");
        var answer = await program.EndAsync();
        Assert.Contains("こんにちは", answer, StringComparison.Ordinal);
        Assert.True(answer.Length > 40, answer);
    }

    private static PythonProgram Start(string folder, params string[] arguments)
    {
        if (!PythonProgram.IsThere)
            Assert.Skip("There is no python3 on this machine.");
        return new PythonProgram(folder, arguments);
    }
}

/// <summary>A running python3.</summary>
internal sealed class PythonProgram : IAsyncDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    public PythonProgram(string folder, string[] arguments)
    {
        var start = new ProcessStartInfo("python3", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        start.Environment["PYTHONPATH"] = ".";
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        start.Environment["PYTHONUTF8"] = "1";

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, e) => Add(e.Data, _output);
        _process.ErrorDataReceived += (_, e) => Add(e.Data, _errors);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public static bool IsThere { get; } =
        Environment
            .GetEnvironmentVariable("PATH")!
            .Split(Path.PathSeparator)
            .Any(p => File.Exists(Path.Combine(p, "python3")));

    public string[] Lines
    {
        get
        {
            lock (_output)
                return _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    private void Add(string? line, StringBuilder text)
    {
        lock (_output)
            if (line is not null)
                text.Append(line).Append('\n');
    }

    public Task WaitForAsync(Func<string[], bool> condition) =>
        Eventually.HoldsAsync(
            () =>
            {
                if (_process.HasExited)
                    Assert.Fail($"python3 ended with {_process.ExitCode}: {_errors}");
                return Task.FromResult(condition(Lines));
            },
            "the program says what is expected"
        );

    /// <summary>Waits for its end, which must be a success, and returns its output.</summary>
    public async Task<string> EndAsync()
    {
        using var limit = new CancellationTokenSource(Timeout);
        await _process.WaitForExitAsync(limit.Token);

        lock (_output)
        {
            Assert.True(_process.ExitCode == 0, $"python3 ended with {_process.ExitCode}: {_errors}\n{_output}");
            return _output.ToString();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
