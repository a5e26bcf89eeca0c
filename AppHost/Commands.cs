using System.Net.Http.Json;
using EventStore;
using Microsoft.Extensions.Logging;

namespace AppHost;

/// <summary>The dashboard's commands for StreamApi, beside Start and Stop.</summary>
internal static class Commands
{
    public static IResourceBuilder<ProjectResource> WithPublishCommand(
        this IResourceBuilder<ProjectResource> streamapi
    ) =>
        streamapi.WithCommand(
            "publish-test-event",
            "Publish a test event",
            async context =>
            {
                using var http = new HttpClient { BaseAddress = new Uri(streamapi.GetEndpoint("http").Url) };
                var test = new
                {
                    topic = "demo.dashboard",
                    type = "hello",
                    data = new { text = "こんにちは", from = context.ResourceName },
                };
                using var response = await http.PostAsJsonAsync("/v1/events", test, context.CancellationToken);
                var body = await response.Content.ReadAsStringAsync(context.CancellationToken);
                if (!response.IsSuccessStatusCode)
                    return CommandResults.Failure($"{(int)response.StatusCode}: {body}");
                // Logged too, because the dashboard does not show the text of a success.
                context.Logger.LogInformation("Published to demo.dashboard: {Answer}", body);
                return CommandResults.Success($"Published to demo.dashboard: {body}");
            },
            commandOptions: new CommandOptions
            {
                Description = "Publishes one event of type hello to the topic demo.dashboard.",
                IconName = "Send",
                UpdateState = WhileRunning,
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

    private static ResourceCommandState WhileRunning(UpdateCommandStateContext context) =>
        context.ResourceSnapshot.State?.Text == KnownResourceStates.Running
            ? ResourceCommandState.Enabled
            : ResourceCommandState.Disabled;
}
