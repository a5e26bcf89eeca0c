using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

#pragma warning disable ASPIRETERMINAL001 // Terminals are experimental: a later Aspire may change them.

namespace LocalServices;

/// <summary>The program that talks to a store at a terminal, with the store's credentials in its environment.</summary>
/// <param name="Terminal">The terminal's process.</param>
internal sealed record StoreShell(TerminalLaunchOptions Terminal) : IResourceAnnotation;

internal static class StoreShellExtensions
{
    /// <summary>Adds a command that opens a store's shell in the dashboard's terminal dock, as <c>WithRepl</c> does for
    /// the container.</summary>
    /// <param name="server">The store's process.</param>
    /// <param name="program">The path of the shell.</param>
    /// <param name="arguments">Its arguments. They are visible to other users of the machine.</param>
    /// <param name="environment">Variables with the credentials.</param>
    public static IResourceBuilder<ExecutableResource> WithShell(
        this IResourceBuilder<ExecutableResource> server,
        string program,
        string[] arguments,
        Dictionary<string, string> environment
    )
    {
        var terminal = new TerminalLaunchOptions
        {
            Title = server.Resource.Name,
            Executable = program,
            Arguments = arguments,
        };
        foreach (var (name, value) in environment)
            terminal.EnvironmentVariables[name] = value;

        return server
            .WithAnnotation(new StoreShell(terminal))
            .WithCommand(
                "repl",
                "Open a shell",
                context =>
                {
                    // The terminal is not disposed: the visitor closes its tab, and the AppHost's stop ends open ones.
                    context.Services.GetRequiredService<TerminalService>().CreateTerminal(terminal).Show();
                    return Task.FromResult(CommandResults.Success());
                },
                new CommandOptions
                {
                    Description = $"Opens {Path.GetFileName(program)} in the dashboard's terminal dock.",
                    IconName = "WindowConsole",
                    UpdateState = context =>
                        context.ResourceSnapshot.State?.Text == KnownResourceStates.Running
                            ? ResourceCommandState.Enabled
                            : ResourceCommandState.Disabled,
                }
            );
    }
}
