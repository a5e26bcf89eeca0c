namespace StreamApi.Security.Credentials;

/// <summary>The issuer's keys are needed, and it does not answer.</summary>
internal sealed class IssuerUnavailableException() : Exception("The issuer of the tokens does not answer.");
