using LocalServices;

namespace Unit.LocalServices;

/// <summary>The volume of a container, with scripts in the place of a container runtime.</summary>
public sealed class VolumeLockTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("volume-lock-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_second_stack_of_a_clone_is_refused_until_the_first_one_has_ended()
    {
        var runtime = Runtime("true");
        using (Take(runtime))
        {
            var refused = Assert.Throws<LocalServicesException>(() => Take(runtime));
            Assert.Contains("already running in containers", refused.Message, StringComparison.Ordinal);
            Assert.Contains(LocalServicesOptions.SecondStack, refused.Message, StringComparison.Ordinal);
        }

        Take(runtime).Dispose();
    }

    [Fact]
    public void A_container_that_uses_the_volume_is_named_in_the_refusal_and_the_lock_is_released()
    {
        var refused = Assert.Throws<LocalServicesException>(() =>
            Take(Runtime("echo 'WARN: slow disk' >&2; [ \"$3\" = volume=sse-data ] && echo uses:postgres-abc"))
        );
        Assert.Contains("postgres-abc uses the volume sse-data", refused.Message, StringComparison.Ordinal);
        Take(Runtime("echo 'WARN: slow disk' >&2")).Dispose();
    }

    [Fact]
    public void A_container_of_a_killed_stack_is_waited_for()
    {
        var left = Path.Combine(_folder, "left");
        File.WriteAllText(left, "");
        Take(Runtime($"[ -e {left} ] && rm {left} && echo uses:postgres-abc"), TimeSpan.FromSeconds(60)).Dispose();
        Assert.False(File.Exists(left));
    }

    [Fact]
    public async Task An_error_that_waiting_does_not_end_is_reported()
    {
        // The former code waited for the lock of a folder that does not exist.
        var waiting = Task.Run(() => FolderLock.Take(Path.Combine(_folder, "missing"), "Redis"));
        var error = await Assert.ThrowsAsync<LocalServicesException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Contains(Path.Combine("missing", "Redis.lock"), error.Message, StringComparison.Ordinal);
    }

    private VolumeLock Take(ContainerRuntime runtime, TimeSpan timeout = default) =>
        VolumeLock.Take(Path.Combine(_folder, "data"), "sse-data", runtime, timeout);

    private ContainerRuntime Runtime(string script)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The runtimes are shell scripts.");
        var path = Path.Combine(_folder, "docker");
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new ContainerRuntime([path], _ => false) { Timeout = TimeSpan.FromSeconds(5) };
    }
}
