namespace LlmGateway.Providers;

/// <summary>The stop sequence that ended an answer. Only some providers report it.</summary>
internal static class StopSequence
{
    private const string Key = "aspire-sse.stop_sequence";

    public static void Set(ChatResponseUpdate last, string sequence) =>
        (last.AdditionalProperties ??= [])[Key] = sequence;

    public static string? Of(ChatResponseUpdate update) =>
        update.AdditionalProperties?.GetValueOrDefault(Key) as string;
}
