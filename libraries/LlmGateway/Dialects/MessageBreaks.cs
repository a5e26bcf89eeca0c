using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects;

/// <summary>Finds where an answer's next message begins, as Microsoft.Extensions.AI does: at another id, or another
/// author.</summary>
internal sealed class MessageBreaks
{
    private string? _id;
    private string? _author;

    /// <summary>Returns true for the first update of a message, except that of the answer's first message.</summary>
    public bool IsBefore(ChatResponseUpdate update)
    {
        var hasOtherId = IsOther(update.MessageId, ref _id);
        var hasOtherAuthor = IsOther(update.AuthorName, ref _author);
        return hasOtherId || hasOtherAuthor;
    }

    private static bool IsOther(string? name, ref string? known)
    {
        if (string.IsNullOrEmpty(name) || name == known)
            return false;

        var isOther = known is not null;
        known = name;
        return isOther;
    }
}
