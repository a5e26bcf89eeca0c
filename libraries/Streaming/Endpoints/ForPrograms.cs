using Microsoft.AspNetCore.Http.Metadata;

namespace Streaming.Endpoints;

/// <summary>Marks endpoints for programs: a refusal is a status, not a page for people or a redirect to one, which
/// <c>EventSource</c> would follow.</summary>
internal record ForPrograms : IDisableCookieRedirectMetadata, ISkipStatusCodePagesMetadata;
