namespace Harness.Builds;

/// <summary>
/// A commit checked out into a worktree under <c>artifacts/</c>, until it is disposed. Its services are built and
/// started as programs, not linked, so that its source may be laid out in another way.
/// </summary>
internal sealed class BaseCommit : IAsyncDisposable
{
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(15);

    private readonly string _hash;
    private readonly string _folder;

    private BaseCommit(string hash)
    {
        _hash = hash;
        _folder = Path.Combine(Repository.Root, "artifacts", "compare", hash);
    }

    /// <summary>The short hash.</summary>
    public string Name => _hash[..10];

    /// <exception cref="BenchmarkException">This clone has no such commit.</exception>
    public static async Task<BaseCommit> CheckOutAsync(string commit, CancellationToken cancellationToken)
    {
        var found = new BaseCommit(await HashOfAsync(commit, cancellationToken));

        // A run that was killed leaves its worktree.
        await found.RemoveAsync();

        try
        {
            await GitAsync(["worktree", "add", "--detach", found._folder, found._hash], cancellationToken);
            return found;
        }
        catch
        {
            await found.RemoveAsync();
            throw;
        }
    }

    /// <summary>Builds the services in Release.</summary>
    /// <inheritdoc cref="BuildAsync(string, CancellationToken)"/>
    public async Task<ServiceBuild> BuildAsync(CancellationToken cancellationToken) =>
        new(
            $"base {Name}",
            await BuildAsync("StreamApi", cancellationToken),
            await BuildAsync("Broadcaster", cancellationToken)
        );

    /// <summary>Builds a program in Release, and returns the path of its dll.</summary>
    /// <exception cref="BenchmarkException">The commit does not build, or not in time.</exception>
    public async Task<string> BuildAsync(string program, CancellationToken cancellationToken)
    {
        // Neither the project's folder nor that of its output is assumed.
        var projects = Directory.GetFiles(_folder, $"{program}.csproj", SearchOption.AllDirectories);
        if (projects is not [var project])
            throw new BenchmarkException($"Commit {Name} has {projects.Length} projects {program}.csproj, not one.");

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(BuildLimit);

        try
        {
            // Compiler and build nodes end with the command: they would keep the worktree in use.
            await DotnetAsync(
                ["build", project, "-c", "Release", "-v", "quiet", "-nologo", "--disable-build-servers"],
                limit.Token
            );
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BenchmarkException($"Commit {Name} was not built within {BuildLimit.TotalMinutes} minutes.");
        }
        catch (BenchmarkException e)
        {
            throw new BenchmarkException($"Commit {Name} does not build. {e.Message}");
        }

        var dll = await DotnetAsync(
            ["msbuild", project, "-p:Configuration=Release", "-getProperty:TargetPath", "-nologo"],
            cancellationToken
        );
        return File.Exists(dll.Trim())
            ? dll.Trim()
            : throw new BenchmarkException($"The build of commit {Name} wrote no {program}: '{dll.Trim()}'.");
    }

    /// <summary>Returns the newest tag <c>v*</c> before this commit, or null if there is none.</summary>
    public static async Task<string?> PreviousReleaseAsync(CancellationToken cancellationToken)
    {
        var tags = await GitAsync(
            [
                "for-each-ref",
                "--format=%(refname:short)",
                "--sort=-v:refname",
                "--merged=HEAD",
                "--no-contains=HEAD",
                "refs/tags/v*",
            ],
            cancellationToken
        );
        return tags.Split('\n') is [{ Length: > 0 } newest, ..] ? newest : null;
    }

    public async ValueTask DisposeAsync() => await RemoveAsync();

    /// <summary>Removes the worktree, if there is one.</summary>
    private async Task RemoveAsync()
    {
        // Not git alone: it does not remove a folder that it no longer lists.
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);

        await GitAsync(["worktree", "prune"], CancellationToken.None);
    }

    private static async Task<string> HashOfAsync(string commit, CancellationToken cancellationToken)
    {
        // Fails also outside a git clone.
        await GitAsync(["rev-parse", "--git-dir"], cancellationToken);
        try
        {
            return (
                await GitAsync(
                    ["rev-parse", "--verify", "--quiet", "--end-of-options", commit + "^{commit}"],
                    cancellationToken
                )
            ).Trim();
        }
        catch (BenchmarkException)
        {
            throw new BenchmarkException(
                $"This clone has no commit '{commit}'. Fetch it first, or choose one of 'git log'."
            );
        }
    }

    private static Task<string> GitAsync(string[] arguments, CancellationToken cancellationToken) =>
        Command.RunAsync("git", ["git", "-C", Repository.Root, .. arguments], cancellationToken);

    private static Task<string> DotnetAsync(string[] arguments, CancellationToken cancellationToken) =>
        Command.RunAsync("dotnet", ["dotnet", .. arguments], cancellationToken);
}
