namespace Measuring.Ledger;

/// <summary>Decides which events of one publisher are lost, doubled or reordered for one reader. Guarded by the
/// reader's lock.</summary>
internal sealed class ReceivedSequences
{
    private const int Examples = 5;

    // Every sequence below _next has arrived, except _missing and those below _from.
    private long _from = 1;
    private long _next = 1;
    private long _duplicates;
    private long _reordered;
    private SequenceSet? _missing;
    private SequenceSet? _excused;
    private List<long>? _duplicateExamples;
    private List<long>? _reorderedExamples;

    /// <param name="late">True if an event with a later position came before.</param>
    public void Receive(long sequence, bool late)
    {
        if (sequence >= _next)
        {
            if (sequence > _next)
                (_missing ??= new()).Add(_next, sequence - 1);
            _next = sequence + 1;
            if (late)
                Note(ref _reordered, ref _reorderedExamples, sequence);
        }
        else if (_missing?.Remove(sequence) is true)
            Note(ref _reordered, ref _reorderedExamples, sequence);
        else
            Note(ref _duplicates, ref _duplicateExamples, sequence);
    }

    public void ExpectFrom(long sequence) => _from = Math.Max(_from, sequence);

    /// <summary>Excuses everything that is missing so far.</summary>
    public void ExcuseThrough(long issued)
    {
        foreach (var (first, last) in _missing?.Ranges ?? [])
            Excuse(first, last);
        Excuse(_next, issued);
    }

    public void Excuse(long first, long last) => (_excused ??= new()).Add(first, last);

    /// <param name="until">The last sequence that the reader is owed.</param>
    public void AddTo(ReaderAccount account, LedgerPublisher publisher, long until)
    {
        account.Duplicates.Add(publisher, _duplicates, _duplicateExamples);
        account.Reordered.Add(publisher, _reordered, _reorderedExamples);

        foreach (var (first, last) in _missing?.Ranges ?? [])
            AddMissing(first, last);

        AddMissing(_next, long.MaxValue);

        void AddMissing(long first, long last)
        {
            foreach (var range in publisher.AcknowledgedWithin(Math.Max(first, _from), Math.Min(last, until)))
            {
                var lost = 0L;
                foreach (var (lostFirst, lostLast) in _excused?.Outside(range.First, range.Last) ?? [range])
                {
                    account.Lost.Add(publisher, lostFirst, lostLast);
                    lost += lostLast - lostFirst + 1;
                }

                account.Excused += range.Last - range.First + 1 - lost;
            }
        }
    }

    private static void Note(ref long count, ref List<long>? examples, long sequence)
    {
        count++;
        if ((examples ??= []).Count < Examples)
            examples.Add(sequence);
    }
}
