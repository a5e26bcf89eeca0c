using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.Providers;

/// <summary>Ids of calls in the form that a provider takes, which an id in this form keeps. Equal requests have equal
/// ids, and different calls have different ones.</summary>
/// <param name="isTaken">Returns true if the provider takes an id.</param>
internal sealed class CallIds(Func<string, bool> isTaken)
{
    private readonly HashSet<string> _used = [];

    /// <summary>The provider's ids of the calls so far. A later call may have the id of an earlier one, since some
    /// servers number the calls of each answer.</summary>
    private readonly Dictionary<string, string> _ids = [];

    public string OfCall(string id)
    {
        var sent = isTaken(id) ? id : Made(id);
        for (var times = 2; !_used.Add(sent); times++)
            sent = Made($"{id} {times}");
        return _ids[id] = sent;
    }

    /// <summary>Returns the id of the last call that had this id.</summary>
    public string OfResult(string id) => _ids.GetValueOrDefault(id) ?? (isTaken(id) ? id : Made(id));

    private static string Made(string id) =>
        $"call_{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))[..32]}";
}
