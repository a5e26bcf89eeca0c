namespace LlmGateway.Providers;

/// <summary>The detail in which a model sees an image, a property of its content with the name that the clients of
/// Microsoft.Extensions.AI read.</summary>
internal static class ImageDetail
{
    private const string Name = "detail";

    /// <param name="detail">OpenAI's word, such as <c>low</c>, or null for the default.</param>
    public static AIContent WithDetail(this AIContent image, string? detail)
    {
        if (detail is not null)
            (image.AdditionalProperties ??= [])[Name] = detail;
        return image;
    }

    /// <summary>Returns the detail of an image, even if the image was stored as JSON.</summary>
    public static string? Detail(this AIContent image) =>
        image.AdditionalProperties?.GetValueOrDefault(Name)?.ToString();
}
