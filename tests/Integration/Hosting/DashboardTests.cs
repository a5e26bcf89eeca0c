using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard.Wire;
using Aspire.Hosting.Testing;
using Google.Protobuf;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Hosting;

/// <summary>The bundle's dashboard, whose interfaces carry no compatibility promise: checked at every
/// upgrade.</summary>
public class DashboardTests
{
    [Fact]
    public async Task The_dashboard_answers_on_a_free_port_and_lets_only_the_token_in()
    {
        await using var app = await HostedApplication.StartAsync(_ => { }, dashboard: true);
        await app.IsHealthyAsync("aspire-dashboard");
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false })
        {
            BaseAddress = app.App.GetEndpoint("aspire-dashboard", "http"),
        };
        var settings = app.App.Services.GetRequiredService<IConfiguration>();
        // Below the ports that Linux gives to clients: one could have it by the time the dashboard listens.
        Assert.InRange(http.BaseAddress.Port, 1_024, 32_767);

        Assert.Equal(HttpStatusCode.OK, await StatusOf("/health"));
        Assert.StartsWith(
            "/login",
            (await http.GetAsync("/", TestContext.Current.CancellationToken)).Headers.Location!.PathAndQuery,
            StringComparison.Ordinal
        );
        using var wrong = await http.GetAsync("/login?t=wrong", TestContext.Current.CancellationToken);
        Assert.NotEqual("/", wrong.Headers.Location?.OriginalString);
        Assert.False(wrong.Headers.Contains("Set-Cookie"));
        using var login = await http.GetAsync(
            $"/login?t={settings["AppHost:BrowserToken"]}",
            TestContext.Current.CancellationToken
        );
        Assert.Equal("/", login.Headers.Location!.OriginalString);

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOf("/api/telemetry/resources"));
        http.DefaultRequestHeaders.Add("x-api-key", "wrong");
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOf("/api/telemetry/resources"));
        http.DefaultRequestHeaders.Remove("x-api-key");
        http.DefaultRequestHeaders.Add("x-api-key", settings["AppHost:DashboardApiKey"]);
        Assert.Equal(HttpStatusCode.OK, await StatusOf("/api/telemetry/resources"));

        async Task<HttpStatusCode> StatusOf(string path)
        {
            using var response = await http.GetAsync(path, TestContext.Current.CancellationToken);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task The_resource_service_reports_resources_and_logs_and_executes_commands()
    {
        await using var app = await HostedApplication.StartAsync(
            b =>
            {
                var secret = b.AddParameter("password", "hunter2", secret: true);
                b.AddScript("talker", "echo こんにちは; exec sleep 1000")
                    .WithArgs(secret)
                    .WithCommand(
                        "greet",
                        "Greet",
                        _ => Task.FromResult(CommandResults.Success("hello")),
                        new CommandOptions { ConfirmationMessage = "Really?" }
                    );
            },
            dashboard: true
        );
        var talker = await app.RunsAsync("talker");
        await app.LogsAsync(talker, "こんにちは");

        var resources = (
            await CallAsync(app, "WatchResources", new WatchResourcesRequest(), WatchResourcesUpdate.Parser)
        )
            .InitialData
            .Resources;
        var wire = Assert.Single(resources, r => r.Name == talker.ResourceId);
        Assert.Equal(("talker", "Executable", "Running"), (wire.DisplayName, wire.ResourceType, wire.State));
        Assert.True(Assert.Single(wire.Properties, p => p.Name == "executable.args").IsSensitive);
        Assert.Equal("Really?", Assert.Single(wire.Commands, c => c.Name == "greet").ConfirmationMessage);
        Assert.True(
            Assert
                .Single(Assert.Single(resources, r => r.Name == "password").Properties, p => p.Name == "Value")
                .IsSensitive
        );
        Assert.True(Assert.Single(resources, r => r.DisplayName == "aspire-dashboard").IsHidden);

        var logs = await CallAsync(
            app,
            "WatchResourceConsoleLogs",
            new WatchResourceConsoleLogsRequest { ResourceName = wire.Name, SuppressFollow = true },
            WatchResourceConsoleLogsUpdate.Parser
        );
        Assert.Contains(logs.LogLines, l => l.Text.EndsWith("こんにちは", StringComparison.Ordinal));
        var greeted = await CallAsync(
            app,
            "ExecuteResourceCommand",
            new ResourceCommandRequest { ResourceName = wire.Name, CommandName = "greet" },
            ResourceCommandResponse.Parser
        );
        Assert.Equal((CommandOutcome.OutcomeSucceeded, "hello"), (greeted.Kind, greeted.Message));
    }

    // One message each way, framed as GrpcFraming says.
    private static async Task<T> CallAsync<T>(
        HostedApplication app,
        string method,
        IMessage request,
        MessageParser<T> parser
    )
        where T : IMessage<T>
    {
        var dashboard = (IResourceWithEndpoints)
            app
                .App.Services.GetRequiredService<DistributedApplicationModel>()
                .Resources.Single(r => r.Name == "aspire-dashboard");
        var address = dashboard.Annotations.OfType<Aspire.Hosting.Dashboard.ResourceServiceAddress>().Single().Url;
        var body = new byte[5 + request.CalculateSize()];
        BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(1), (uint)request.CalculateSize());
        request.ToByteArray().CopyTo(body, 5);
        using var http = new HttpClient
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var call = new HttpRequestMessage(HttpMethod.Post, $"{address}/aspire.v1.DashboardService/{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        call.Content = new ByteArrayContent(body)
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") },
        };
        call.Headers.Add(
            "x-resource-service-api-key",
            app.App.Services.GetRequiredService<IConfiguration>()["AppHost:ResourceService:ApiKey"]
        );
        using var response = await http.SendAsync(
            call,
            HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken
        );
        await using var stream = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var header = new byte[5];
        await stream.ReadExactlyAsync(header, TestContext.Current.CancellationToken);
        var message = new byte[BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(1))];
        await stream.ReadExactlyAsync(message, TestContext.Current.CancellationToken);
        return parser.ParseFrom(message);
    }
}
