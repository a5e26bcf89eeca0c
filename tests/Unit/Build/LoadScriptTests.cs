namespace Unit.Build;

/// <summary>eng/load.sh with scripts in the place of `dotnet` and `curl`.</summary>
public sealed class LoadScriptTests : IDisposable
{
    // Like the SDK's `dotnet run`: ignores INT, passes TERM to the system, and leaves it behind when it is killed.
    private const string Dotnet =
            """
                #!/bin/sh
                case "$*" in
                *AppHost*)
                  [ "${PWD##*/}" = broken ] && { echo 'exit 1 in StreamApi'; exit 1; }
                  [ -e "$STATE/up" ] && { echo 'the ports are taken'; exit 1; }
                  trap '' INT
                  trap 'kill -TERM $system' TERM
                  (trap 'rm -f "$STATE/up"; exit' TERM
                    echo "${PWD##*/}" > "$STATE/up"
                    while [ -e "$STATE/up" ]; do sleep 0.05; done) &
                  system=$!
                  while kill -0 $system 2>/dev/null; do wait $system; done;;
                *--compare*) exit 0;;
                *LoadTests*)
                  cat "$STATE/up" >> "$STATE/measured"
                  while [ "$1" != --reports ]; do shift; done
                  mkdir -p "$2"; echo '{}' > "$2/results.jsonl"; echo > "$2/report.md"
                  exit "${LOADED:-0}";;
                esac
                """,
        Curl =
            """
                #!/bin/sh
                [ -e "$STATE/up" ] || exit 7
                echo '"mode":"live","mode":"live"'
                """;

    private readonly ScriptFolder _folder = new("eng/load.sh");

    // Ends a system that the script left behind, too.
    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("here", 0, 0, "base here base here")]
    [InlineData("broken", 0, 2, "base")]
    [InlineData("here", 130, 130, "base")] // Ctrl+C: bash itself would go on, because the program handled it
    [InlineData("here", 2, 2, "base")] // a scenario could not run: there is nothing to compare it with
    public async Task Base_and_change_are_each_started_measured_and_stopped_in_turns_until_one_fails(
        string change,
        int loaded,
        int expected,
        string measured
    )
    {
        var (code, output) = await RunAsync([change, "base"], ("LOADED", $"{loaded}"));
        Assert.True(code == expected, output);
        Assert.Equal(
            measured.Split(' '),
            await File.ReadAllLinesAsync(_folder.PathOf("measured"), TestContext.Current.CancellationToken)
        );
        Assert.False(File.Exists(_folder.PathOf("up")));
    }

    [Fact]
    public async Task A_system_that_runs_already_is_not_measured()
    {
        await File.WriteAllTextAsync(_folder.PathOf("up"), "another\n", TestContext.Current.CancellationToken);
        var (code, output) = await RunAsync(["here"]);
        Assert.True(code == 2, output);
        Assert.Contains("answers at http://localhost:5080 already", output, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.PathOf("measured")));
    }

    private Task<(int Code, string Output)> RunAsync(string[] systems, params (string, string?)[] environment)
    {
        _folder.Replace("dotnet", Dotnet);
        _folder.Replace("curl", Curl);
        return _folder.RunAsync(
            [.. systems.Select(s => Directory.CreateDirectory(_folder.PathOf(s)).FullName)],
            environment
        );
    }
}
