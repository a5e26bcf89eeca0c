using Microsoft.AspNetCore.Authorization;

namespace AspireSse;

/// <summary>Instructions and tools of the gateway's agents: <c>/stream</c> and the sessions.</summary>
/// <remarks>Needed in <c>AddLlmGateway</c>, to give the gateway's agents a role and tools.</remarks>
public sealed class LlmGatewayOptions
{
    private readonly List<AgentTool> _tools = [];

    /// <summary>Text that tells the model its role before each conversation. Null, the default, tells it
    /// nothing.</summary>
    public string? Instructions { get; set; }

    internal IReadOnlyList<AgentTool> Tools => _tools;

    /// <summary>Adds a tool for the agents' model, and runs each call at most once: a crash or a stop of the process
    /// ends the answer, which then names the call without a result.</summary>
    /// <param name="function">The tool's code and description. The function gets the arguments that the model chooses,
    /// services from a scope of its own (<see cref="AIFunctionArguments.Services"/>), and in
    /// <see cref="AIFunctionArguments.Context"/> the texts <c>callId</c> and <c>topic</c>: the id of the call, as in
    /// the event <c>tool_use</c>, which was stored before, and the topic of that event.</param>
    /// <param name="policy">Decides which callers may use it, with the request (<see cref="HttpContext"/>) as the
    /// resource. Null allows all callers who may ask the agents.</param>
    /// <remarks>The tool runs with the rights of the application, not of the caller, so only callers who may see all of
    /// its results may use the tool.</remarks>
    /// <exception cref="ArgumentException">There is a tool of this name already.</exception>
    public LlmGatewayOptions AddTool(AIFunction function, AuthorizationPolicy? policy = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        if (_tools.Exists(tool => tool.Function.Name == function.Name))
            throw new ArgumentException($"There is a tool '{function.Name}' already.", nameof(function));

        _tools.Add(new AgentTool(function, policy));
        return this;
    }
}

/// <summary>A tool of the agents, with the policy for its callers.</summary>
internal sealed record AgentTool(AIFunction Function, AuthorizationPolicy? Policy);
