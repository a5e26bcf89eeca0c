namespace LlmGateway.Providers;

/// <summary>A provider of models, and the failures that each of its clients can have.</summary>
/// <param name="Name">The name in requests, settings, errors and metrics.</param>
/// <param name="Options">The address, the key and the limits.</param>
/// <param name="Clock">Measures the silences and the delays.</param>
/// <param name="Logger">Logs failures.</param>
internal sealed record ModelProvider(string Name, ProviderOptions Options, TimeProvider Clock, ILogger Logger)
{
    /// <summary>Returns the full name of a setting.</summary>
    public string Setting(string name) => $"{SectionOf(Name)}:{name}";

    /// <summary>Returns the section of a provider's settings.</summary>
    public static string SectionOf(string provider) => $"{LlmOptions.Section}:Providers:{provider}";

    /// <summary>Returns the sentence for a refusal of the key.</summary>
    public string Refuses(int status) => $"The provider {Name} refuses this server's credentials ({status}).";

    /// <summary>Makes the failure of a silence.</summary>
    public UpstreamException Silent(TimeSpan limit) =>
        UpstreamException.Silent($"{Name} sent nothing for {limit.TotalSeconds:0} s.", new TimeoutException());

    /// <summary>Makes the failure of a connection.</summary>
    /// <param name="hasBegun">True if the provider has answered.</param>
    /// <param name="at">The place of its address, or an empty text.</param>
    /// <param name="inner">The cause.</param>
    public UpstreamException Lost(bool hasBegun, string at, Exception inner)
    {
        var lost = $"The connection to {Name} was lost. The answer is incomplete.";
        return new(502, "upstream", hasBegun ? lost : $"{Name} cannot be reached{at}.", inner: inner);
    }

    /// <summary>Makes the failure of an answer beyond <see cref="ProviderOptions.MaxAnswerBytes"/>.</summary>
    public UpstreamException TooLarge()
    {
        var limit = $"{Options.MaxAnswerBytes} bytes ({Setting(nameof(Options.MaxAnswerBytes))})";
        return TooLarge($"The answer of {Name} is larger than {limit}.");
    }

    /// <inheritdoc cref="TooLarge()"/>
    public static UpstreamException TooLarge(string message) =>
        new(502, UpstreamException.TooLarge, message + " The answer is incomplete.");
}
