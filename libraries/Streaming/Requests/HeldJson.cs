using System.Text.Json;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;

namespace Streaming.Requests;

/// <summary>
/// A large answer, encoded whole. Its bytes count as held until the client has taken them.
/// </summary>
internal static class HeldJson
{
    /// <exception cref="InvalidRequestException">The client, or all clients together, hold too many bytes.</exception>
    public static IResult Ok<T>(HttpContext context, T value)
    {
        var services = context.RequestServices;
        var json = JsonSerializer.SerializeToUtf8Bytes(
            value,
            services.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions
        );
        services.GetRequiredService<IRequestBudget>().Hold(context).Set(json.Length);
        return TypedResults.Bytes(json, "application/json; charset=utf-8");
    }
}
