using System.Text;
using LoadTests.Loads;
using LoadTests.Measurements;
using Npgsql;

namespace Reliability.Load;

/// <summary>A program with its own transactions, which publishes by the outbox. It does not repeat a transaction whose
/// end it does not know.</summary>
internal sealed class OutboxWriter(string store, Lane lane)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    // A cancelled commit would look acknowledged: these are never cancelled.
    private readonly string _store = $"{store};Host Recheck Seconds=1;Command Timeout=0;Timeout=3";

    /// <summary>Writes one row. Its commit is its acknowledgement.</summary>
    public Task WriteAsync(CancellationToken stop) => Task.Run(Write, stop).WaitAsync(stop);

    // Blocks a thread, as an ordinary program does.
    private void Write()
    {
        var sequence = lane.Publisher.Next();
        var data = LoadEvent.Json(lane.Publisher.Number, sequence, LoadEvent.Now(), 0);
        try
        {
            using var connection = new NpgsqlConnection(_store);
            connection.Open();
            using var command = new NpgsqlCommand(
                "insert into eventstore.outbox (topic, type, data) values ($1, 'load', $2)",
                connection
            );

            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = lane.Topic });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Encoding.UTF8.GetString(data) });
            command.ExecuteNonQuery();
            lane.Publisher.Acknowledge(sequence);
        }
        catch (NpgsqlException) { }
    }
}
