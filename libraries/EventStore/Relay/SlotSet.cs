using System.Numerics;

namespace EventStore;

/// <summary>A set of slots (<see cref="TopicSlots"/>), one bit each.</summary>
public sealed class SlotSet
{
    private readonly ulong[] _bits;

    /// <summary>Makes an empty set.</summary>
    /// <param name="slots">Number of slots that exist.</param>
    public SlotSet(int slots)
    {
        Slots = slots;
        _bits = new ulong[(slots + 63) / 64];
    }

    private SlotSet(SlotSet other) => (Slots, _bits) = (other.Slots, [.. other._bits]);

    /// <summary>Number of slots that exist.</summary>
    public int Slots { get; }

    /// <summary>Number of slots in the set.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            foreach (var word in _bits)
                count += BitOperations.PopCount(word);
            return count;
        }
    }

    /// <summary>Makes a set of every slot.</summary>
    public static SlotSet All(int slots)
    {
        var all = new SlotSet(slots);
        for (var slot = 0; slot < slots; slot++)
            all.Add(slot);
        return all;
    }

    /// <summary>Reads a set that <see cref="WriteTo"/> has written.</summary>
    /// <exception cref="InvalidDataException">The bytes are not such a set.</exception>
    internal static SlotSet Read(BinaryReader input, int slots)
    {
        var set = new SlotSet(slots);
        var count = input.Read7BitEncodedInt();
        if (!IsList(count, slots))
        {
            var bitmap = input.ReadBytes((slots + 7) / 8);
            for (var slot = 0; slot < slots; slot++)
                if ((bitmap[slot / 8] >> (slot % 8) & 1) != 0)
                    set.Add(slot);
            return set;
        }
        for (int n = 0, slot = 0; n < count; n++)
        {
            slot += input.Read7BitEncodedInt();
            if (slot < 0 || slot >= slots)
                throw new InvalidDataException($"There is no slot {slot}.");
            set.Add(slot);
        }
        return set;
    }

    /// <summary>Writes the number of slots, and then the distance of each from the one before, or a bitmap with the
    /// lowest slot in the lowest bit if that is shorter.</summary>
    internal void WriteTo(BinaryWriter output)
    {
        var count = Count;
        output.Write7BitEncodedInt(count);
        if (!IsList(count, Slots))
        {
            var bitmap = new byte[(Slots + 7) / 8];
            foreach (var slot in this)
                bitmap[slot / 8] |= (byte)(1 << (slot % 8));
            output.Write(bitmap);
            return;
        }
        var last = 0;
        foreach (var slot in this)
        {
            output.Write7BitEncodedInt(slot - last);
            last = slot;
        }
    }

    private static bool IsList(int count, int slots) => count * 2 < (slots + 7) / 8;

    /// <summary>Makes a set of the same slots.</summary>
    public SlotSet Copy() => new(this);

    /// <summary>Adds a slot.</summary>
    public void Add(int slot) => _bits[slot / 64] |= 1UL << (slot % 64);

    /// <summary>Adds every slot of another set.</summary>
    public void Add(SlotSet other)
    {
        for (var i = 0; i < _bits.Length; i++)
            _bits[i] |= other._bits[i];
    }

    /// <summary>Returns true if a slot is in the set.</summary>
    public bool Contains(int slot) => (_bits[slot / 64] >> (slot % 64) & 1) != 0;

    /// <summary>Returns true if every slot of another set is in this one.</summary>
    public bool Contains(SlotSet other)
    {
        for (var i = 0; i < _bits.Length; i++)
            if ((other._bits[i] & ~_bits[i]) != 0)
                return false;
        return true;
    }

    /// <summary>Returns true if two sets share a slot.</summary>
    public bool Overlaps(SlotSet other)
    {
        for (var i = 0; i < _bits.Length; i++)
            if ((_bits[i] & other._bits[i]) != 0)
                return true;
        return false;
    }

    /// <summary>Enumerates the slots in ascending order, without an allocation.</summary>
    public Enumerator GetEnumerator() => new(_bits);

    /// <summary>Enumerates a set.</summary>
    public struct Enumerator
    {
        private readonly ulong[] _bits;
        private int _word;
        private ulong _rest;

        internal Enumerator(ulong[] bits) => (_bits, _word, _rest, Current) = (bits, -1, 0, -1);

        /// <summary>The slot.</summary>
        public int Current { get; private set; }

        /// <summary>Moves to the next slot.</summary>
        public bool MoveNext()
        {
            while (_rest == 0)
            {
                if (++_word == _bits.Length)
                    return false;
                _rest = _bits[_word];
            }
            Current = _word * 64 + BitOperations.TrailingZeroCount(_rest);
            _rest &= _rest - 1;
            return true;
        }
    }
}
