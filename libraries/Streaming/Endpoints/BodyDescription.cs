namespace AspireSse.Server;

/// <summary>Describes the JSON body of an endpoint: metadata for an OpenAPI document.</summary>
/// <remarks>Needed only by code that writes an OpenAPI document from endpoints' metadata, to which <c>Body(…)</c> adds
/// it.</remarks>
/// <param name="Body">The type of the body.</param>
/// <param name="Lines">Description of a line, if NDJSON is accepted as well; else null.</param>
public sealed record BodyDescription(Type Body, string? Lines = null);
