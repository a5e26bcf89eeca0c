using System.Text.Json;

namespace VendorClients.NuGet;

/// <summary>Tries one thing after the other, and prints each as a line of JSON with the client's own words if it
/// failed.</summary>
internal static class Trying
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public const string Prompt = "Tell me in ten words or more of trains",
        Question = "What is the weather in Paris today?",
        Weather = """{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}""";

    public static string Look(string city) => $"15 degrees in {city}";

    public static async Task AttemptAsync(string tried, Func<Task> act)
    {
        string? failure = null;
        try
        {
            await act().WaitAsync(Patience);
        }
        catch (Exception e)
        {
            failure = $"{e.GetType().Name}: {e.Message}".ReplaceLineEndings(" ");
        }

        Console.WriteLine(JsonSerializer.Serialize(new { tried, failure }));
    }

    public static void Equal<T>(T expected, T actual)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new InvalidOperationException($"expected {expected}, was {actual}");
    }

    public static void Contains(string expected, string? actual)
    {
        if (actual?.Contains(expected, StringComparison.Ordinal) != true)
            throw new InvalidOperationException($"expected \"{expected}\" in \"{actual}\"");
    }
}
