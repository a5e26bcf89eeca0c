using System.Net;
using System.Net.Http.Json;

namespace Integration.Llm;

/// <summary>Paths that this server lacks, asked for by a vendor's client and by others.</summary>
public sealed class VendorPathTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private static readonly (string, string) Version = ("anthropic-version", "2023-06-01"),
        Program = ("User-Agent", "OpenAI/2.10.0 (.NET 10.0.12; Debian)"),
        Page = ("x-stainless-lang", "js");

    [Theory]
    [InlineData("DELETE", "/v1/models/demo", 405)]
    [InlineData("POST", "/v1/chatkit/sessions", 404)]
    [InlineData("GET", "/v1/live/sessions/l1", 404)]
    [InlineData("POST", "/v1/agents", 404)]
    [InlineData("POST", "/v1/decisions", 404)]
    [InlineData("GET", "/v1/organization/users?limit=2", 404)]
    [InlineData("GET", "/v1/what/comes/next", 404)]
    public async Task A_vendors_client_gets_its_own_shape_at_any_path_that_is_none_of_ours(
        string method,
        string path,
        int status
    )
    {
        foreach (var header in ((string, string)[])[Version, Program, Page])
        {
            using var response = await SendAsync(method, path, header);
            var isAnthropic = header == Version;
            var type = isAnthropic && status == 404 ? "not_found_error" : "invalid_request_error";
            await VendorErrorTests.IsRefusedAsync(
                response,
                isAnthropic ? Messages : Completions,
                (HttpStatusCode)status,
                type,
                path.Split('?')[0]
            );
            Assert.Equal(status == 405, response.Content.Headers.Allow.Contains("GET"));
        }
    }

    [Theory]
    [InlineData("POST", "/v1/chatkit/sessions", 404)]
    [InlineData("DELETE", "/v1/models/demo", 405)]
    [InlineData("DELETE", "/v1/replicas", 405)]
    [InlineData("GET", "/v1/events/no/such/path", 404)]
    public async Task Another_client_gets_problem_details_there(string method, string path, int status)
    {
        using var response = await SendAsync(method, path, ("User-Agent", "curl/8.0"));
        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task A_vendors_client_gets_problem_details_beyond_the_vendors_paths()
    {
        using var response = await SendAsync("GET", "/no/such/path", Page);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    private Task<HttpResponseMessage> SendAsync(string method, string path, (string Name, string Value) header)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri(A.Url, path));
        if (method == "POST")
            request.Content = JsonContent.Create(new { model = "demo" });
        request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        return LlmSystem.Http.SendAsync(request, Stop);
    }
}
