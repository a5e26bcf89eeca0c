namespace AspireSse;

/// <summary>A rejected credential, such as a ticket.</summary>
/// <param name="message">For the client: it holds nothing of the credential.</param>
public sealed class InvalidCredentialException(string message) : Exception(message);
