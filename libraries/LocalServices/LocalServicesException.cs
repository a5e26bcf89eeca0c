namespace LocalServices;

/// <summary>Something of this machine stands in the way; the message says what, and the way out.</summary>
internal sealed class LocalServicesException(string message) : Exception(message);
