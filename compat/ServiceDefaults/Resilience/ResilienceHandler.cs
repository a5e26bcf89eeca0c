// Stands in for Microsoft.Extensions.Http.Resilience. Not affiliated with Microsoft or the .NET Foundation.
using Polly;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Runs a request through a Polly pipeline. It ends with
/// the response's headers, so a timeout never cuts a body.</summary>
internal sealed class ResilienceHandler(ResiliencePipeline<HttpResponseMessage> pipeline) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(HttpResilienceContextExtensions.RequestMessage, request);
        try
        {
            var outcome = await pipeline.ExecuteOutcomeAsync(
                static async (c, call) =>
                {
                    try
                    {
                        return Outcome.FromResult(await call.Handler.SendOnceAsync(call.Request, c.CancellationToken));
                    }
                    catch (Exception e)
                    {
                        return Outcome.FromException<HttpResponseMessage>(e);
                    }
                },
                context,
                (Handler: this, Request: request)
            );
            outcome.ThrowIfException();
            return outcome.Result!;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        base.SendAsync(request, cancellationToken);
}
