// Stands in for Aspire.Hosting's resource commands (Aspire.Hosting.ApplicationModel). Not affiliated with Microsoft or
// the .NET Foundation.
namespace Aspire.Hosting.ApplicationModel;

public enum ResourceCommandState
{
    Enabled,
    Disabled,
    Hidden,
}

public class CommandOptions
{
    public string? Description { get; set; }
    public string? ConfirmationMessage { get; set; }
    public string? IconName { get; set; }
    public IconVariant? IconVariant { get; set; }
    public bool IsHighlighted { get; set; }
    public Func<UpdateCommandStateContext, ResourceCommandState>? UpdateState { get; set; }
}

public sealed class UpdateCommandStateContext
{
    public required CustomResourceSnapshot ResourceSnapshot { get; init; }
    public required IServiceProvider ServiceProvider { get; init; }
}

public sealed class ExecuteCommandContext
{
    public required IServiceProvider ServiceProvider { get; init; }
    public required string ResourceName { get; init; }
    public required CancellationToken CancellationToken { get; init; }
    public required ILogger Logger { get; init; }
}

public sealed class ExecuteCommandResult
{
    public required bool Success { get; init; }
    public bool Canceled { get; init; }
    public string? Message { get; init; }
}

public static class CommandResults
{
    public static ExecuteCommandResult Success() => new() { Success = true };

    public static ExecuteCommandResult Success(string message) => new() { Success = true, Message = message };

    public static ExecuteCommandResult Failure(string? errorMessage = null) =>
        new() { Success = false, Message = errorMessage };

    public static ExecuteCommandResult Canceled() => new() { Success = false, Canceled = true };
}

public static class KnownResourceCommands
{
    public static readonly string StartCommand = "start";
    public static readonly string StopCommand = "stop";
    public static readonly string RestartCommand = "restart";
}

internal sealed record CommandAnnotation(
    string Name,
    string DisplayName,
    Func<ExecuteCommandContext, Task<ExecuteCommandResult>> Execute,
    CommandOptions Options
) : IResourceAnnotation;

public class ResourceCommandService
{
    private readonly IServiceProvider _services;
    private readonly ResourceNotificationService _notifications;

    internal ResourceCommandService(IServiceProvider services, ResourceNotificationService notifications) =>
        (_services, _notifications) = (services, notifications);

    public async Task<ExecuteCommandResult> ExecuteCommandAsync(
        IResource resource,
        string commandName,
        CancellationToken cancellationToken = default
    )
    {
        var results = await Task.WhenAll(
            _notifications
                .InstancesOf(resource.Name)
                .Select(e => ExecuteCommandAsync(e.ResourceId, commandName, cancellationToken))
        );
        return results.FirstOrDefault(r => !r.Success)
            ?? results.FirstOrDefault()
            ?? CommandResults.Failure($"Resource '{resource.Name}' has not been created.");
    }

    public async Task<ExecuteCommandResult> ExecuteCommandAsync(
        string resourceId,
        string commandName,
        CancellationToken cancellationToken = default
    )
    {
        if (!_notifications.TryGetCurrentState(resourceId, out var current))
            return CommandResults.Failure($"Resource '{resourceId}' not found.");
        var command = current!
            .Resource.Annotations.OfType<CommandAnnotation>()
            .FirstOrDefault(c => c.Name == commandName);
        if (command is null)
            return CommandResults.Failure($"Command '{commandName}' not available for resource '{resourceId}'.");
        var logger = _services.GetRequiredService<ResourceLoggerService>().GetLogger(resourceId);
        try
        {
            return await command.Execute(
                new ExecuteCommandContext
                {
                    ServiceProvider = _services,
                    ResourceName = resourceId,
                    CancellationToken = cancellationToken,
                    Logger = logger,
                }
            );
        }
        catch (OperationCanceledException)
        {
            return CommandResults.Canceled();
        }
        catch (Exception e)
        {
            // A command is user code: an exception in it is reported in the dashboard and must not end the AppHost.
            logger.LogError(e, "Command '{Command}' failed.", command.DisplayName);
            return CommandResults.Failure(e.Message);
        }
    }
}
