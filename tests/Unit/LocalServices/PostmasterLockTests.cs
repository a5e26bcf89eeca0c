using System.Diagnostics;
using LocalServices.Postgres;

namespace Unit.LocalServices;

public sealed class PostmasterLockTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("postmaster-lock-").FullName;

    private string File => Path.Combine(_data, "postmaster.pid");

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_lock_whose_process_is_gone_or_another_program_is_removed(bool isGone)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere Postgres itself judges.");
        using var gone = Process.Start("true");
        gone.WaitForExit();
        System.IO.File.WriteAllText(File, $"{(isGone ? gone.Id : Environment.ProcessId)}\n{_data}\n");
        PostmasterLock.Release(_data);
        Assert.False(System.IO.File.Exists(File));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_server_that_is_still_shutting_down_is_waited_for_and_keeps_its_lock_also_behind_a_link(bool isLink)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere Postgres itself judges.");
        using var server = StartServer();

        var link = Directory.CreateSymbolicLink(_data + "-link", _data);
        try
        {
            PostmasterLock.Release(isLink ? link.FullName : _data);
        }
        finally
        {
            link.Delete();
        }

        Assert.True(System.IO.File.Exists(Path.Combine(_data, "kept")));
    }

    /// <summary>Stands for the server: it works in the data folder and removes its lock at its end, as Postgres does.
    /// </summary>
    private Process StartServer()
    {
        const string Script =
            "while ! test -e locked; do sleep 0.05; done; sleep 0.3; test -e postmaster.pid && touch kept; "
            + "rm -f postmaster.pid";

        var start = new ProcessStartInfo("sh", ["-c", Script])
        {
            WorkingDirectory = _data,
            RedirectStandardOutput = true,
        };
        var server = Process.Start(start)!;
        System.IO.File.WriteAllText(File, $"{server.Id}\n");
        System.IO.File.WriteAllText(Path.Combine(_data, "locked"), "");

        return server;
    }
}
