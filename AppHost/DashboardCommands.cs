using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using EventStore;
using Microsoft.Extensions.Logging;

namespace AppHost;

/// <summary>The dashboard's commands for StreamApi, beside Start and Stop.</summary>
internal static class DashboardCommands
{
    public static IResourceBuilder<ProjectResource> WithPublishCommand(
        this IResourceBuilder<ProjectResource> streamapi
    ) =>
        streamapi.WithHttpCommand(
            "/v1/events",
            "Publish an event",
            endpointName: "http",
            commandName: "publish-event",
            commandOptions: new HttpCommandOptions
            {
                Description = "Publishes one event to a topic.",
                IconName = "Send",
                Method = HttpMethod.Post,
                ResultMode = HttpCommandResultMode.Json,
                UpdateState = WhileRunning,
                Arguments =
                [
                    Text("topic", "Topic", "demo.dashboard"),
                    Text("type", "Type", "hello"),
                    Text("data", "Data (JSON)", """{"text":"こんにちは"}"""),
                ],
                ValidateArguments = context =>
                {
                    if (context.Inputs.GetString("data") is { } data && !IsJson(data))
                        context.AddValidationError("data", "The data must be JSON, such as {\"n\":1} or \"text\".");
                    return Task.CompletedTask;
                },
                PrepareRequest = context =>
                {
                    var published = new JsonObject
                    {
                        ["topic"] = context.Arguments.GetString("topic"),
                        ["type"] = context.Arguments.GetString("type"),
                        ["data"] = JsonNode.Parse(context.Arguments.GetString("data")!),
                    };

                    context.Request.Content = JsonContent.Create(published);
                    return Task.CompletedTask;
                },
            }
        );

    public static IResourceBuilder<ProjectResource> WithResetCommand(
        this IResourceBuilder<ProjectResource> streamapi,
        IResourceBuilder<IResourceWithConnectionString> eventStore
    ) =>
        streamapi.WithCommand(
            "reset-store",
            "Reset the store",
            async context =>
            {
                var connectionString = await eventStore.Resource.GetConnectionStringAsync(context.CancellationToken);
                await StoreReset.RunAsync(connectionString!, context.CancellationToken);

                context.Logger.LogInformation("The store was reset.");
                return CommandResults.Success("The store is empty, and every reader resumes in the new epoch.");
            },
            commandOptions: new CommandOptions
            {
                Description = "Deletes every event and starts a new epoch.",
                ConfirmationMessage = "Delete every event in the store? This cannot be undone.",
                IconName = "Delete",
                UpdateState = WhileRunning,
            }
        );

    private static InteractionInput Text(string name, string label, string value) =>
        new()
        {
            Name = name,
            Label = label,
            InputType = InputType.Text,
            Required = true,
            Value = value,
        };

    private static bool IsJson(string text)
    {
        try
        {
            using var parsed = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static ResourceCommandState WhileRunning(UpdateCommandStateContext context) =>
        context.ResourceSnapshot.State?.Text == KnownResourceStates.Running
            ? ResourceCommandState.Enabled
            : ResourceCommandState.Disabled;
}
