using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Chat;

/// <summary>Answers word by word, without a provider: it calls a tool that the question names, tells its result, or
/// says what it was asked before. Any other <see cref="IChatClient"/> takes its place.</summary>
/// <param name="pause">Time between two words.</param>
internal sealed class ScriptedModel(TimeSpan pause) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var all = messages.ToList();
        var news = all.Skip(all.FindLastIndex(message => message.Role == ChatRole.Assistant) + 1).ToList();
        var question = string.Join(' ', news.Where(said => said.Role == ChatRole.User).Select(said => said.Text));
        var tool = options?.Tools?.FirstOrDefault(known => question.Contains(known.Name));
        if (tool is not null)
        {
            var call = new FunctionCallContent(
                $"call-{Guid.NewGuid():N}",
                tool.Name,
                new Dictionary<string, object?>()
            );
            yield return new ChatResponseUpdate(ChatRole.Assistant, [call])
            {
                FinishReason = ChatFinishReason.ToolCalls,
                ModelId = "scripted",
            };
            yield break;
        }

        var asked = all.Where(said => said.Role == ChatRole.User).Select(said => said.Text).ToList();
        var contents = news.SelectMany(message => message.Contents).ToList();
        var results = contents.OfType<FunctionResultContent>().Select(result => result.Result).ToList();
        var images = contents.Count(content => content is DataContent or UriContent);
        var seen = images > 0 ? $" (I see {images})" : "";
        var answer =
            results.Count > 0
                ? $"It is {string.Join(" and ", results)}."
                : $"You asked: {question}{seen} Before, you asked {asked.Count - 1} times: "
                    + string.Join(' ', asked[..^1]);
        foreach (var word in answer.TrimEnd(' ', ':').Split(' '))
        {
            yield return new ChatResponseUpdate(ChatRole.Assistant, word + " ") { ModelId = "scripted" };
            await Task.Delay(pause, cancellationToken);
        }

        yield return new ChatResponseUpdate { FinishReason = ChatFinishReason.Stop };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose() { }
}
