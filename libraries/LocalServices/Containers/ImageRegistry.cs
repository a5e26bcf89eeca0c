namespace LocalServices;

/// <summary>The registry that an image would be pulled from.</summary>
internal static class ImageRegistry
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>True if the registry's API answers (OCI Distribution §3.1: 200, or 401 without credentials).</summary>
    public static bool Answers(ContainerImage image, string? address = null)
    {
        // The API of docker.io has another name.
        var host = image.Registry == "docker.io" ? "registry-1.docker.io" : image.Registry;
        using var http = new HttpClient { Timeout = Timeout };
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address ?? $"https://{host}/v2/");
            using var response = http.Send(request, HttpCompletionOption.ResponseHeadersRead);
            return (int)response.StatusCode is 200 or 401;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }
}
