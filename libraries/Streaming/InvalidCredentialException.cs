namespace AspireSse;

/// <summary>A rejected credential, such as a ticket.</summary>
/// <param name="message">The message for the client, without any part of the credential.</param>
public sealed class InvalidCredentialException(string message) : Exception(message);
