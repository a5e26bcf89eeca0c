namespace Unit.Build;

/// <summary>.ci/run with scripts in the place of `npm` and `dotnet`.</summary>
public sealed class CiScriptTests : IDisposable
{
    private const string Dotnet = """
        #!/bin/sh
        case "$1 $2" in
        "tool restore") exit $RESTORE;;
        test*) mkdir -p artifacts/test-results
          echo '<UnitTestResult testId="1" outcome="Passed" />' > artifacts/test-results/run.trx
          echo "$MESSAGE" >> artifacts/test-results/run.trx;;
        esac
        """;

    private readonly ScriptFolder _folder = new(".ci/run");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("0", "true", 0)]
    [InlineData("1", "true", 1)] // not checked in CI
    [InlineData("1", "", 0)] // a machine whose feed lacks the formatter
    public async Task Code_whose_form_is_not_checked_fails_in_CI_only(string restore, string ci, int expected)
    {
        _folder.Replace("npm", "#!/bin/sh");
        _folder.Replace("dotnet", Dotnet);
        var (code, output) = await _folder.RunAsync([], ("RESTORE", restore), ("CI", ci));
        Assert.True(code == expected, output);
        Assert.EndsWith("1 passed, 0 failed\n", output, StringComparison.Ordinal);
        Assert.Equal(restore == "1", output.Contains("is not checked", StringComparison.Ordinal));
        Assert.Equal(expected == 1, output.Contains("Failed: NuGet could not", StringComparison.Ordinal));
    }

    /// <summary>The runner does not count a result that it cannot read, so a failure would pass.</summary>
    [Theory]
    [InlineData("ready {\"$type\":\"test-failed\",\"Messages\":[\"lost\"]}", 1)]
    [InlineData("a line of its own", 0)]
    public async Task A_lost_result_fails_the_run(string output, int expected)
    {
        _folder.Replace("npm", "#!/bin/sh");
        _folder.Replace("dotnet", Dotnet);
        var message = $"[xUnit.net 00:00:01.00] Received unparseable output from test process: {output}";
        var (code, printed) = await _folder.RunAsync([], ("RESTORE", "0"), ("MESSAGE", message));
        Assert.True(code == expected, printed);
        Assert.Equal(expected == 1, printed.Contains("results of tests were lost", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_skipped_test_that_the_list_does_not_name_fails_the_run()
    {
        _folder.Replace("npm", "#!/bin/sh");
        _folder.Replace("dotnet", Dotnet);
        var skipped = "<UnitTestResult testName=\"Unit.A.B(of: 1)\" outcome=\"NotExecuted\" />";
        var (code, printed) = await _folder.RunAsync([], ("RESTORE", "0"), ("MESSAGE", skipped));
        Assert.True(code == 1, printed);
        Assert.Contains("not in tests/may-be-skipped.txt: Unit.A.B", printed, StringComparison.Ordinal);
    }
}
