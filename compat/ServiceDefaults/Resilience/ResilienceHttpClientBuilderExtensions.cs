// Stands in for Microsoft.Extensions.Http.Resilience. Not affiliated with Microsoft or the .NET Foundation.
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;

namespace Microsoft.Extensions.DependencyInjection;

public static class ResilienceHttpClientBuilderExtensions
{
    public static IHttpStandardResiliencePipelineBuilder AddStandardResilienceHandler(
        this IHttpClientBuilder builder,
        Action<HttpStandardResilienceOptions> configure
    )
    {
        // The name for all clients (ConfigureHttpClientDefaults) is null;
        // the genuine package's options name has no first part then.
        var name = builder.Name is null ? "standard" : $"{builder.Name}-standard";
        builder.Services.AddOptions<HttpStandardResilienceOptions>(name).Configure(configure);
        // The pipeline's timeouts replace the client's own timeout,
        // which would cut longer calls that the pipeline allows.
        builder.ConfigureHttpClient(client => client.Timeout = Timeout.InfiniteTimeSpan);
        builder.AddHttpMessageHandler(services =>
        {
            var options = services.GetRequiredService<IOptionsMonitor<HttpStandardResilienceOptions>>().Get(name);
            return new ResilienceHandler(
                new ResiliencePipelineBuilder<HttpResponseMessage>()
                    .AddTimeout(options.TotalRequestTimeout)
                    .AddRetry(options.Retry)
                    .AddCircuitBreaker(options.CircuitBreaker)
                    .AddTimeout(options.AttemptTimeout)
                    .Build()
            );
        });
        return new PipelineBuilder(name, builder.Services);
    }

    private sealed record PipelineBuilder(string PipelineName, IServiceCollection Services)
        : IHttpStandardResiliencePipelineBuilder;
}
