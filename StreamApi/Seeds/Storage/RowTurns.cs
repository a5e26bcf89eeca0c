namespace StreamApi.Seeds.Storage;

/// <summary>Lets the changes of one row follow one another before they take a connection.</summary>
/// <remarks>Otherwise the changes of one busy row, waiting for its lock in Postgres, would use every connection of the
/// pool.</remarks>
internal sealed class RowTurns(TimeProvider clock) : FairTurns("changes of the same row", seats: 1, ofClient: 1, clock);
