namespace AspireSse.Server;

/// <summary>A rejected credential, such as a ticket.</summary>
/// <remarks>Needed to catch the refusal of a ticket by <see cref="TicketReader.ReadAsync"/>.</remarks>
/// <param name="message">The message for the client, without any part of the credential.</param>
public sealed class InvalidCredentialException(string message) : Exception(message);
