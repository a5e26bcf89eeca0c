using Microsoft.Extensions.Configuration;

namespace LocalServices;

/// <summary>Decides if the stores run in containers.</summary>
/// <param name="Programs">The runtimes to ask, in order.</param>
/// <param name="Registry">Returns true if the registry of an image answers.</param>
internal sealed record ContainerRuntime(IReadOnlyList<string> Programs, Func<ContainerImage, bool> Registry)
{
    /// <summary>The time that a runtime has to answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Aspire's setting for the runtime that starts containers. Without it the orchestrator chooses a runtime
    /// itself, perhaps not the one that was asked here.</summary>
    public const string Setting = "DcpPublisher:ContainerRuntime";

    /// <summary>Returns docker and podman, or the runtime that <see cref="Setting"/> or <c>ASPIRE_CONTAINER_RUNTIME</c>
    /// names.</summary>
    public static ContainerRuntime From(IConfiguration configuration)
    {
        var chosen =
            configuration[Setting]
            ?? configuration["ASPIRE_CONTAINER_RUNTIME"]
            ?? configuration["DOTNET_ASPIRE_CONTAINER_RUNTIME"];
        return new ContainerRuntime(
            chosen is { Length: > 0 } ? [chosen] : ["docker", "podman"],
            image => ImageRegistry.Answers(image)
        );
    }

    /// <summary>Returns the runtime of the stores, or null if they run as processes. In the mode <c>auto</c> the
    /// runtime must answer and have the images, or be able to pull them; otherwise <paramref name="output"/> gets the
    /// reason.</summary>
    /// <exception cref="LocalServicesException">The mode is <c>containers</c>, and no runtime answers.</exception>
    public string? Choose(LocalServicesMode mode, IReadOnlyList<ContainerImage> images, TextWriter output)
    {
        if (mode == LocalServicesMode.Native)
            return null;

        var answers = Programs.Select(program => (Program: program, Answer: AnswerOf(program))).ToList();
        var running = answers.Find(a => a.Answer == Answer.Running).Program;

        if (mode == LocalServicesMode.Containers)
            return running ?? throw Silent(answers);

        if (running is null)
        {
            foreach (var (program, answer) in answers.Where(a => a.Answer != Answer.Missing))
                output.WriteLine($"{StateOf(program, answer)}. Postgres and Redis run as processes of this machine.");

            return null;
        }

        // Only Linux has the processes to fall back to.
        var missing = images.Where(image => !Has(running, image)).ToList();
        if (!OperatingSystem.IsLinux() || missing.All(Registry))
            return running;

        output.WriteLine(
            $"{running} answers but has no image {string.Join(", ", missing)}, and {missing[0].Registry} cannot be "
                + "reached. Postgres and Redis run as processes of this machine; --LocalServices:Mode=containers "
                + "insists on containers."
        );

        return null;
    }

    /// <summary>Returns the names of the running containers that use the volume.</summary>
    public IReadOnlyList<string> UsersOf(string volume)
    {
        // The mark tells names from a runtime's warnings.
        const string Mark = "uses:";
        return
        [
            .. Programs
                .Select(program =>
                    Command.Run(
                        program,
                        ["ps", "--filter", $"volume={volume}", "--format", Mark + "{{.Names}}"],
                        timeout: Timeout
                    )
                )
                .Where(result => result is { ExitCode: 0 })
                .SelectMany(result => result!.Output.Split('\n', StringSplitOptions.TrimEntries))
                .Where(line => line.StartsWith(Mark, StringComparison.Ordinal))
                .Select(line => line[Mark.Length..]),
        ];
    }

    private enum Answer
    {
        Missing,
        Hangs,
        Stopped,
        Running,
    }

    /// <summary>
    /// Asks the daemon, because a client without a daemon cannot run any container. Docker's clients 23.0 to 28.0
    /// report a missing daemon only as an error text and exit with 0 (docker/cli#5900), so only a version is an answer.
    /// </summary>
    private Answer AnswerOf(string program) =>
        Command.Run(
            program,
            [
                "info",
                "--format",
                program.EndsWith("podman", StringComparison.Ordinal) ? "{{.Version.Version}}" : "{{.ServerVersion}}",
            ],
            timeout: Timeout
        ) switch
        {
            null => Answer.Missing,
            { ExitCode: Command.TimedOut } => Answer.Hangs,
            { ExitCode: 0, Answer.Length: > 0 } => Answer.Running,
            _ => Answer.Stopped,
        };

    private bool Has(string program, ContainerImage image) =>
        Command.Run(program, ["image", "inspect", "--format", "{{.Id}}", image.ToString()], timeout: Timeout)
            is { ExitCode: 0 };

    private LocalServicesException Silent(IEnumerable<(string Program, Answer Answer)> answers)
    {
        var states = string.Join(", ", answers.Select(a => StateOf(a.Program, a.Answer)));
        return new LocalServicesException(
            $"LocalServices:Mode is containers, but no container runtime answers: {states}. Start or restart one, or "
                + "run Postgres and Redis as processes of this machine: --LocalServices:Mode=native."
        );
    }

    private string StateOf(string program, Answer answer) =>
        answer switch
        {
            Answer.Missing => $"{program} is not installed",
            Answer.Hangs => $"{program} info did not answer within {Timeout.TotalSeconds:0} s",
            _ => $"{program} info failed",
        };
}
