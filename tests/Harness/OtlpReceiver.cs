using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Harness;

/// <summary>Receives what services export by OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/).</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OtlpReceiver(WebApplication app) => _app = app;

    /// <summary>The settings of a service that exports to here.</summary>
    public Dictionary<string, string> Settings =>
        new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _app.Urls.First(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        };

    /// <param name="take">Reads the body of an export: Protobuf, whose texts are not escaped. Exports come side by
    /// side.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    public static async Task<OtlpReceiver> StartAsync(Func<Stream, Task> take, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");

        var app = builder.Build();
        app.MapPost(
            "/{**path}",
            async (HttpRequest request) =>
            {
                await take(request.Body);
                return Results.Bytes([], "application/x-protobuf");
            }
        );
        await app.StartAsync(cancellationToken);

        return new OtlpReceiver(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
