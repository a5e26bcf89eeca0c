namespace WebFrontend.StreamApi;

/// <summary>Where browsers reach StreamApi: its origin, without a slash at the end.</summary>
internal sealed record StreamApiAddress(string Origin)
{
    /// <exception cref="InvalidOperationException">Nothing says where, or what says it is no http address.</exception>
    public static StreamApiAddress From(IConfiguration configuration)
    {
        var value = configuration["StreamApi:PublicUrl"] is { Length: > 0 } given
            ? given
            : configuration["services:streamapi:http:0"];
        if (string.IsNullOrEmpty(value))
        {
            throw new InvalidOperationException(
                "The pages do not know where StreamApi is: set 'StreamApi:PublicUrl' (StreamApi__PublicUrl=http://localhost:5080) "
                    + "to the address that browsers reach it at, or start the frontend through the AppHost."
            );
        }

        return Uri.TryCreate(value, UriKind.Absolute, out var uri) && (uri.Scheme is "http" or "https")
            ? new StreamApiAddress(uri.GetLeftPart(UriPartial.Authority))
            : throw new InvalidOperationException(
                $"'StreamApi:PublicUrl' is '{value}', which is no http or https address."
            );
    }
}

internal static class StreamApiAddressExtensions
{
    public static void AddStreamApiAddress(this WebApplicationBuilder builder) =>
        builder.Services.AddSingleton(StreamApiAddress.From(builder.Configuration));
}
