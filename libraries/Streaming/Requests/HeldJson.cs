using System.Text.Json;
using EventStore;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;

namespace Streaming.Requests;

/// <summary>A large answer, encoded into pooled memory that counts as held until the client has taken it.</summary>
internal sealed class HeldJson : IResult, IDisposable
{
    private readonly PooledBuffer _json = new();

    private HeldJson() { }

    /// <exception cref="RefusedException">See <see cref="ByteHold.Set"/>.</exception>
    public static IResult Ok<T>(HttpContext context, T value)
    {
        var services = context.RequestServices;
        var options = services.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        var answer = new HeldJson();

        context.Response.RegisterForDispose(answer);

        using (var writer = new Utf8JsonWriter(answer._json, new JsonWriterOptions { Encoder = options.Encoder }))
            JsonSerializer.Serialize(writer, value, options.TypeOf<T>());

        services.GetRequiredService<RequestBudget>().Hold(context).Set(answer._json.Written.Length);
        return answer;
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using (this)
        {
            httpContext.Response.ContentType = "application/json; charset=utf-8";
            httpContext.Response.ContentLength = _json.Written.Length;
            // A write to a client that has left returns at once.
            await httpContext.Response.Body.WriteAsync(_json.Written, CancellationToken.None);
        }
    }

    public void Dispose() => _json.Dispose();
}
