using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace Streaming.Refusals;

/// <summary>Answers with problem details (RFC 9457) as they are documented, however the application writes its own
/// JSON. Members that the application adds to all problem details are added.</summary>
internal sealed class ProblemAnswer(
    int status,
    string title,
    string detail,
    IEnumerable<KeyValuePair<string, object?>>? extensions = null
) : IResult
{
    private static readonly JsonSerializerOptions Json = new(ReadableJsonEncoder.Web);

    static ProblemAnswer() => Json.TypeInfoResolverChain.Insert(0, ProblemJson.Default);

    public ProblemDetails Details { get; } =
        TypedResults
            .Problem(statusCode: status, title: title, detail: detail, extensions: extensions ?? [])
            .ProblemDetails;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext
            .RequestServices.GetRequiredService<IOptions<ProblemDetailsOptions>>()
            .Value.CustomizeProblemDetails?.Invoke(
                new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = Details }
            );

        httpContext.Response.StatusCode = Details.Status ?? status;
        return httpContext.Response.WriteAsJsonAsync(
            Details,
            Json.TypeOf<ProblemDetails>(),
            "application/problem+json",
            httpContext.RequestAborted
        );
    }
}

/// <summary>Writes problem details without reflection.</summary>
[JsonSerializable(typeof(object))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class ProblemJson : JsonSerializerContext;
