namespace Integration.Llm;

/// <summary>Errors of providers that do not end their answer.</summary>
public sealed class HeldErrorTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    private const string Error =
        """{"type":"error","error":{"type":"not_found_error","message":"The model does not exist"}}""";

    [Theory]
    [InlineData("/v1/chat/completions", 404, 404, "invalid_request_error")]
    [InlineData("/v1/chat/completions", 400, 400, "invalid_request_error")]
    [InlineData("/v1/chat/completions", 401, 502, "server_error")] // the key is the server's, not the client's
    [InlineData("/v1/messages", 404, 404, "not_found_error")]
    [InlineData("/v1/messages", 400, 400, "invalid_request_error")]
    [InlineData("/v1/messages", 401, 502, "api_error")]
    public async Task A_providers_error_is_the_status_of_a_stream_though_the_provider_keeps_its_answer_open(
        string path,
        int upstream,
        int status,
        string type
    )
    {
        var answered = new TaskCompletionSource();
        var prompt = shared.World.Upstream.On(async request =>
        {
            request.Context.Response.StatusCode = upstream;
            request.Context.Response.ContentType = "application/json";
            await request.RawAsync(Error);
            await answered.Task;
        });

        // After Llm:HeadMilliseconds, two seconds here, the answer would be a stream that has begun, with 200.
        using var response = await LlmSystem.PostAsync(shared.World.A, path, LlmSystem.VendorQuestion(prompt));

        answered.SetResult();
        Assert.Equal((status, 1), ((int)response.StatusCode, shared.World.Upstream.Attempts(prompt)));
        await VendorErrorTests.SaysAsync(response, isAnthropic: path == "/v1/messages", type);
        if (upstream != 401)
            Assert.Contains(
                "The model does not exist",
                await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                StringComparison.Ordinal
            );
    }
}
