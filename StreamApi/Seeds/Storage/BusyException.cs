namespace StreamApi.Seeds.Storage;

/// <summary>A request that would wait too long: 503, and it may come again.</summary>
internal sealed class BusyException(string message) : Exception(message);
