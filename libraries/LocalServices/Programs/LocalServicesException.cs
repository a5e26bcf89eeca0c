namespace LocalServices;

/// <summary>A problem of this machine; the message says what it is and how to solve it.</summary>
internal sealed class LocalServicesException(string message) : Exception(message);
