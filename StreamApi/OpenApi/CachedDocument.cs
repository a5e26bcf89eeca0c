using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace StreamApi.OpenApi;

/// <summary>
/// Sends the OpenAPI document. It is generated once, because that takes tens of milliseconds; only the server's address
/// depends on the request.
/// </summary>
internal sealed class CachedDocument([FromKeyedServices(CachedDocument.Name)] IOpenApiDocumentProvider provider)
{
    public const string Name = "v1";

    /// <summary>Stands for the server's address in the generated document.</summary>
    private const string Server = "https://server.invalid/";

    /// <summary>Bytes of a write, so that a client that does not read holds no copy of the document.</summary>
    private const int PartBytes = 16 * 1024;

    private readonly Lazy<Task<DocumentBytes>> _parts = new(() => GenerateAsync(provider));

    public async Task SendAsync(HttpContext context)
    {
        var request = context.Request;
        var response = context.Response;
        var parts = await _parts.Value.WaitAsync(context.RequestAborted);
        var server = Encoding.UTF8.GetBytes(
            JsonEncodedText.Encode(UriHelper.BuildAbsolute(request.Scheme, request.Host, request.PathBase)).ToString()
        );
        var tag = $"\"{parts.Tag}-{Tag(server)}\"";

        response.Headers.ETag = tag;

        if (request.Headers.IfNoneMatch.Contains(tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = "application/json;charset=utf-8";
        response.ContentLength = parts.Head.Length + server.Length + parts.Tail.Length;

        foreach (var part in (byte[][])[parts.Head, server, parts.Tail])
            for (var at = 0; at < part.Length; at += PartBytes)
                await response.Body.WriteAsync(
                    part.AsMemory(at, Math.Min(PartBytes, part.Length - at)),
                    context.RequestAborted
                );
    }

    private static async Task<DocumentBytes> GenerateAsync(IOpenApiDocumentProvider provider)
    {
        // Not cancelled with the request that comes first.
        var document = await provider.GetOpenApiDocumentAsync(CancellationToken.None);
        document.Servers = [new OpenApiServer { Url = Server }];
        var text = await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, CancellationToken.None);
        var at = text.IndexOf(Server, StringComparison.Ordinal);
        var (head, tail) = (Encoding.UTF8.GetBytes(text[..at]), Encoding.UTF8.GetBytes(text[(at + Server.Length)..]));
        return new DocumentBytes(head, tail, Tag([.. head, .. tail]));
    }

    private static string Tag(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8));

    private sealed record DocumentBytes(byte[] Head, byte[] Tail, string Tag);
}
