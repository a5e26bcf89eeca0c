namespace Streaming.Access;

/// <summary>A rejected credential. The message is sent to the client and holds nothing of the credential.</summary>
internal sealed class InvalidCredentialException(string message) : Exception(message);
