namespace VendorClients;

/// <summary>The clients that the gateway promises to work with.</summary>
internal static class ClientCatalog
{
    /// <summary>Returns each of them, not yet installed.</summary>
    public static IReadOnlyList<TriedClient> All() =>
        [
            new NpmClient("openai", "openai.mjs", "zod"),
            new NpmClient("@anthropic-ai/sdk", "anthropic.mjs"),
            new NpmClient("ai", "ai.mjs", "@ai-sdk/openai"),
            new UseChatClient(),
            new NpmClient("@ag-ui/client", "ag-ui.mjs"),
            new NpmClient("@langchain/openai", "langchain.mjs", "@langchain/core", "zod"),
            new NuGetClient("OpenAI", "OpenAi.cs"),
            new NuGetClient("Anthropic", "Anthropic.cs", "Microsoft.Extensions.AI"),
            // OpenAI's package comes with Microsoft's, in the version that this one asks for.
            new NuGetClient("Microsoft.Agents.AI", "Agents.cs", "Microsoft.Extensions.AI.OpenAI"),
        ];
}
