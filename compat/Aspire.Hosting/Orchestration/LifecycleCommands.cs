// Part of the stand-in for Aspire.Hosting: the dashboard's Start, Stop and Restart. Not affiliated with Microsoft.
namespace Aspire.Hosting.Orchestration;

internal static class LifecycleCommands
{
    public static void AddTo(IResource resource, Orchestrator orchestrator)
    {
        Add(
            KnownResourceCommands.StartCommand,
            "Start",
            "Play",
            orchestrator.StartInstanceAsync,
            highlighted: true,
            state => state is "NotStarted" or "Waiting" || Ended(state)
        );
        Add(KnownResourceCommands.StopCommand, "Stop", "Stop", orchestrator.StopInstanceAsync, highlighted: true, Up);
        Add(
            KnownResourceCommands.RestartCommand,
            "Restart",
            "ArrowCounterclockwise",
            orchestrator.RestartInstanceAsync,
            highlighted: false,
            Up
        );

        void Add(
            string name,
            string displayName,
            string icon,
            Func<string, CancellationToken, Task> act,
            bool highlighted,
            Func<string?, bool> applies
        ) =>
            resource.Annotations.Add(
                new CommandAnnotation(
                    name,
                    displayName,
                    async context =>
                    {
                        await act(context.ResourceName, context.CancellationToken);
                        return CommandResults.Success();
                    },
                    new CommandOptions
                    {
                        IconName = icon,
                        IconVariant = IconVariant.Filled,
                        IsHighlighted = highlighted,
                        UpdateState = context =>
                            applies(context.ResourceSnapshot.State?.Text)
                                ? ResourceCommandState.Enabled
                                : ResourceCommandState.Hidden,
                    }
                )
            );
    }

    private static bool Ended(string? state) => KnownResourceStates.TerminalStates.Contains(state);

    private static bool Up(string? state) => state is "Running" or "Starting";
}
