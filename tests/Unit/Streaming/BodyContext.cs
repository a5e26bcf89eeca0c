using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Unit.Streaming;

/// <summary>A request whose body a test sends.</summary>
internal static class BodyContext
{
    public static HttpContext Of(PipeReader body, TimeProvider clock, string protocol = "HTTP/1.1")
    {
        var services = new ServiceCollection().AddOptions().AddSingleton(clock).BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        context.Features.Set<IRequestBodyPipeFeature>(new Body(body));
        context.Request.Protocol = protocol;

        return context;
    }

    private sealed record Body(PipeReader Reader) : IRequestBodyPipeFeature;
}
