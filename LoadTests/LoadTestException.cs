namespace LoadTests;

/// <summary>A failure that the user can fix; the message says how.</summary>
internal sealed class LoadTestException(string message, Exception? inner = null) : Exception(message, inner);
