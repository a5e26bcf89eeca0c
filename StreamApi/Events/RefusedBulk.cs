using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace StreamApi.Events;

/// <summary>
/// Answers a bulk that is refused, and then receives the rest at the rate of the client's budget, for clients that send
/// everything before they read. The server itself would receive it as fast as it comes.
/// </summary>
internal sealed class RefusedBulk(IResult answer, NdjsonBatch batch, TimeProvider clock) : IResult
{
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(1);

    public async Task ExecuteAsync(HttpContext context)
    {
        await answer.ExecuteAsync(context);
        // On HTTP/2 the end of the answer ends the request, too (RFC 9113 §8.1).
        if (!HttpProtocol.IsHttp11(context.Request.Protocol))
            return;
        await context.Response.CompleteAsync();
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var late = new CancellationTokenSource(LongestRest, clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stopping, context.RequestAborted);
        try
        {
            await ReceiveAsync(context.Request.BodyReader, end.Token);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
        catch (Exception e) when (e is BadHttpRequestException or ConnectionResetException)
        {
            // The server ends the connection.
        }
    }

    private async Task ReceiveAsync(PipeReader body, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await body.ReadAsync(cancellationToken);
            var bytes = read.Buffer.Length;
            body.AdvanceTo(read.Buffer.End);
            await Task.Delay(batch.Charge(bytes), clock, cancellationToken);
            if (read.IsCompleted)
                return;
        }
    }
}
