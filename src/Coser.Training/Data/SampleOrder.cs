namespace Coser.Training.Data;

/// <summary>
/// Which photo is sample n of a run: every epoch is its own permutation of the data set, drawn from the run's seed, so that
/// a resumed run and any number of workers see the same samples.
/// </summary>
public sealed class SampleOrder(int photos, ulong seed)
{
    private readonly Lock _gate = new();
    private long _epoch = -1;
    private int[] _permutation = [];

    /// <summary>Index of the photo of global sample <paramref name="sample"/>, and the epoch it belongs to.</summary>
    public (int Photo, long Epoch) this[long sample]
    {
        get
        {
            long epoch = sample / photos;
            lock (_gate)
            {
                if (epoch != _epoch)
                {
                    _permutation = Shuffle(epoch);
                    _epoch = epoch;
                }
                return (_permutation[sample % photos], epoch);
            }
        }
    }

    private int[] Shuffle(long epoch)
    {
        int[] order = [.. Enumerable.Range(0, photos)];
        ulong state = Mix(seed ^ Mix((ulong)epoch + 0x5851F42D4C957F2D));
        for (int i = photos - 1; i > 0; i--)
        {
            state = Mix(state + 0x9E3779B97F4A7C15);
            int j = (int)((UInt128)state * (ulong)(i + 1) >> 64);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    /// <summary>SplitMix64's finaliser: a bijection that scatters neighbouring numbers.</summary>
    public static ulong Mix(ulong z)
    {
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }
}
