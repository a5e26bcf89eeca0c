namespace StreamApi.Seeds.Petstore;

/// <summary>Ends the recommendations.</summary>
/// <param name="Total">Number of recommendations.</param>
/// <param name="ProcessingTime">Duration in milliseconds.</param>
internal sealed record RecommendationsDone(int Total, long ProcessingTime);
