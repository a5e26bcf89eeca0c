using LocalServices;

namespace Unit.LocalServices;

public class CommandTests
{
    private const string NoShell = "The programs are those of a Unix shell.";

    [Fact]
    public void A_program_that_makes_progress_outlives_its_timeout_and_one_that_stops_is_killed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), NoShell);
        var bytes = 0L;
        var result = Command.Run(
            "sleep",
            ["600"],
            timeout: TimeSpan.FromMilliseconds(50),
            progress: () => bytes < 5 ? ++bytes : bytes
        );
        Assert.Equal((Command.TimedOut, 5), (result?.ExitCode, bytes));
        Assert.Contains("made no progress", result?.Output, StringComparison.Ordinal);
    }

    /// <summary>More than a pipe holds: the rest of the input finds no reader.</summary>
    [Fact]
    public void A_program_that_ends_before_it_has_read_its_input_gives_its_output()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), NoShell);
        var result = Command.Run(
            "sh",
            ["-c", "echo 'no such option' >&2; exit 3"],
            input: new string('x', 8 * 1024 * 1024)
        );
        Assert.Equal((3, "no such option"), (result?.ExitCode, result?.Output));
    }
}
