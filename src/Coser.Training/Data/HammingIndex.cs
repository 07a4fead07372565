using System.Numerics;

namespace Coser.Training.Data;

/// <summary>
/// 64-bit hashes that are found again from near ones. Of k + 1 bands into which the bits are cut, two hashes that differ in
/// at most k bits share one: only hashes with an equal band are compared (Norouzi, Punjani and Fleet, CVPR 2012).
/// </summary>
public sealed class HammingIndex
{
    private readonly (int Shift, ulong Mask)[] _bands;
    private readonly Dictionary<ulong, List<int>>[] _buckets;
    private readonly List<ulong> _hashes = [];

    /// <param name="maxDistance">Most bits in which two hashes may differ to count as near, 0 to 15.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is outside.</exception>
    public HammingIndex(int maxDistance)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxDistance);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxDistance, 15);
        MaxDistance = maxDistance;
        int count = maxDistance + 1;
        _bands =
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => (From: 64 * i / count, To: 64 * (i + 1) / count))
                .Select(b => (b.From, b.To - b.From == 64 ? ulong.MaxValue : (1UL << b.To - b.From) - 1)),
        ];
        _buckets = [.. _bands.Select(_ => new Dictionary<ulong, List<int>>())];
    }

    /// <summary>Most bits in which near hashes differ.</summary>
    public int MaxDistance { get; }

    /// <summary>Hashes so far; the next one gets this number.</summary>
    public int Count => _hashes.Count;

    /// <summary>Number of the first hash that is near; null: none is.</summary>
    public int? Find(ulong hash)
    {
        int? first = null;
        for (int i = 0; i < _bands.Length; i++)
        {
            if (!_buckets[i].TryGetValue(Band(hash, i), out List<int>? bucket))
                continue;
            // In the order in which they came.
            foreach (int other in bucket)
            {
                if (other >= first)
                    break;
                if (BitOperations.PopCount(_hashes[other] ^ hash) <= MaxDistance)
                    first = other;
            }
        }
        return first;
    }

    /// <summary>Adds a hash.</summary>
    public void Add(ulong hash)
    {
        for (int i = 0; i < _bands.Length; i++)
        {
            ulong band = Band(hash, i);
            if (!_buckets[i].TryGetValue(band, out List<int>? bucket))
                _buckets[i][band] = bucket = [];
            bucket.Add(_hashes.Count);
        }
        _hashes.Add(hash);
    }

    private ulong Band(ulong hash, int band) => hash >> _bands[band].Shift & _bands[band].Mask;
}
