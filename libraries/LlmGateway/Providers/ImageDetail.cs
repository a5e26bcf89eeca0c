using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>The detail in which a model is to see an image, under the name by which the clients of
/// Microsoft.Extensions.AI know it.</summary>
internal static class ImageDetail
{
    private const string Name = "detail";

    /// <param name="detail">OpenAI's word, as <c>low</c>, or null for its default.</param>
    public static AIContent WithDetail(this AIContent image, string? detail)
    {
        if (detail is not null)
            (image.AdditionalProperties ??= [])[Name] = detail;
        return image;
    }

    /// <summary>Returns the word, also of an image that was stored as JSON.</summary>
    public static string? Detail(this AIContent image) =>
        image.AdditionalProperties?.GetValueOrDefault(Name) switch
        {
            string detail => detail,
            JsonElement { ValueKind: JsonValueKind.String } stored => stored.GetString(),
            _ => null,
        };
}
