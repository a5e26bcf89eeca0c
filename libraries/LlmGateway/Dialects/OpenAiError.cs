namespace LlmGateway.Dialects;

/// <summary>OpenAI's error, the same in all its APIs: <c>{"error":{"message","type","param","code"}}</c>.</summary>
internal static class OpenAiError
{
    public static JsonObject Body(VendorError error) => new() { ["error"] = Members(error) };

    /// <summary>Returns the members of the body's <c>error</c>.</summary>
    public static JsonObject Members(VendorError error) =>
        new()
        {
            ["message"] = error.Message,
            ["type"] = TypeOf(error.Status),
            ["param"] = error.Field is "body" or "Content-Type" ? null : error.Field,
            ["code"] = error.Code,
        };

    private static string TypeOf(int status) =>
        status switch
        {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            499 or >= 500 => "server_error",
            _ => "invalid_request_error",
        };
}
