using LocalServices;

namespace Unit.LocalServices;

public class CommandTests
{
    [Fact]
    public void A_program_that_makes_progress_outlives_its_timeout_and_one_that_stops_is_killed()
    {
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
}
