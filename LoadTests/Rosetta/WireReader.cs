using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace LoadTests.Rosetta;

/// <summary>An answer as its client has it, whatever the protocol.</summary>
/// <param name="Calls">Names and arguments of the tool calls.</param>
/// <param name="Usage">Input and output tokens.</param>
internal sealed record WireAnswer(string Text, string Calls, string Usage);

/// <summary>Reads one run in one protocol, over several connections, as a client of the vendor does.</summary>
/// <param name="id">The generation's id.</param>
internal abstract class WireReader(string id)
{
    protected string Id => id;
    protected StringBuilder Text { get; } = new();

    /// <summary>The calls by their ids, and the JSON of their arguments.</summary>
    protected Dictionary<string, (string Name, StringBuilder Arguments)> Calls { get; } = [];
    protected string Usage { get; set; } = "";

    /// <summary>True once the answer is complete.</summary>
    public bool HasEnded { get; protected set; }

    public WireAnswer Answer =>
        new(
            Text.ToString(),
            string.Join(
                '\n',
                Calls.Values.Select(call => $"{call.Name} {JsonElement.Parse(call.Arguments.ToString()).GetRawText()}")
            ),
            Usage
        );

    /// <summary>Readers of one run in all protocols.</summary>
    public static IReadOnlyList<WireReader> AllOf(string id) =>
        [new OwnReader(id), new ResponsesReader(id), new UiMessagesReader(id), new AgUiReader(id)];

    /// <summary>Returns the request that goes on where the last connection ended, or begins anew.</summary>
    public abstract HttpRequestMessage Next(Uri replica);

    /// <exception cref="LoadTestException">The answer has failed.</exception>
    public abstract void Add(SseItem<string> frame);

    /// <summary>Forgets the answer: the protocol replays it.</summary>
    protected void Clear()
    {
        Text.Clear();
        Calls.Clear();
    }

    protected static string Tokens(JsonElement usage, string input, string output) =>
        $"{usage.GetProperty(input).GetInt64()} {usage.GetProperty(output).GetInt64()}";

    protected LoadTestException Failed(string data) => new($"{id} failed for {GetType().Name}: {data}");
}
