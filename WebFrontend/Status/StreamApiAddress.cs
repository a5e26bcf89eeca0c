namespace WebFrontend.Status;

/// <summary>The origin at which browsers reach StreamApi, without a trailing slash.</summary>
internal sealed record StreamApiAddress(string Origin)
{
    /// <exception cref="InvalidOperationException">The address is missing or not an http or https URL.</exception>
    public static StreamApiAddress From(IConfiguration configuration)
    {
        var value = configuration["StreamApi:PublicUrl"] is { Length: > 0 } given
            ? given
            : configuration["services:streamapi:http:0"];
        if (string.IsNullOrEmpty(value))
            throw new InvalidOperationException(
                "The address of StreamApi is missing. Set 'StreamApi:PublicUrl' "
                    + "(StreamApi__PublicUrl=http://localhost:5080) to the address at which browsers reach it, "
                    + "or start the frontend with the AppHost."
            );

        return Uri.TryCreate(value, UriKind.Absolute, out var uri) && (uri.Scheme is "http" or "https")
            ? new StreamApiAddress(uri.GetLeftPart(UriPartial.Authority))
            : throw new InvalidOperationException(
                $"'StreamApi:PublicUrl' is '{value}', which is not an http or https URL."
            );
    }
}

internal static class StreamApiAddressExtensions
{
    public static void AddStreamApiAddress(this WebApplicationBuilder builder) =>
        builder.Services.AddSingleton(StreamApiAddress.From(builder.Configuration));
}
