namespace Core.Model;

/// <summary>The chance of one step of the model. It depends on the step alone, so that a sequence can be shortened and
/// its other steps do the same as before.</summary>
internal sealed class ModelChance
{
    private uint _state;

    public void Begin(uint seed) => _state = seed;

    /// <summary>Returns a number from 0 on, below <paramref name="most"/>.</summary>
    public int Next(int most)
    {
        // xorshift* of 32 bits, after a step of Weyl's sequence, so that a seed of 0 is as good as any.
        _state += 0x9E3779B9;
        var mixed = _state;
        mixed = (mixed ^ (mixed >> 16)) * 0x85EBCA6B;
        mixed = (mixed ^ (mixed >> 13)) * 0xC2B2AE35;
        return (int)((mixed ^ (mixed >> 16)) % (uint)most);
    }

    public int Next(int least, int most) => least + Next(most - least);

    /// <summary>Returns true once in so many times.</summary>
    public bool OneIn(int times) => Next(times) == 0;
}
