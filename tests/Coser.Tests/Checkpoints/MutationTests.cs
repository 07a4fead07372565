using Coser.Checkpoints;
using Coser.Tests.Fixtures;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using TorchSharp;

namespace Coser.Tests.Checkpoints;

/// <summary>Damaged files of every format: refused with one sentence, or read; never a crash, a hang or a huge allocation.</summary>
public sealed class MutationTests
{
    private const long MaxAllocation = 64L << 20;
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    private static readonly byte[][] Seeds =
    [
        .. new[]
        {
            "lightning_zip.ckpt",
            "lightning_legacy.ckpt",
            "lightning_zip_proto4.ckpt",
            "flat_zip_renamed_root.pth",
        }
            .Concat(["flat_legacy.pth", "basicsr_params.pth", "good.safetensors"])
            .Select(name => File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "fixtures", "checkpoints", name))),
    ];

    /// <summary>What is done to a file: bytes set, ranges copied or removed, the end cut off.</summary>
    public sealed record Mutation(
        int Seed,
        (int Place, byte Value)[] Bytes,
        (int From, int To, int Length) Copy,
        int Cut
    );

    public static Arbitrary<Mutation> Mutations() =>
        (
            from seed in Gen.Choose(0, Seeds.Length - 1)
            from count in Gen.Choose(0, 6)
            from places in Gen.Choose(0, int.MaxValue - 1).ArrayOf(count)
            from values in Gen.Frequency(
                    (3, Gen.Choose(0, 255)),
                    (1, Gen.Elements(0, 0xff, 0x7f, 0x80, 'R', 'b', '(', 't', 'h', 'X', 0x8d, 0x8a)),
                    (1, Gen.Elements('}', ']', 'u', 'e', '.', 'Q', '2', '0', 'c', 0x93, 0x85, 0x81))
                )
                .ArrayOf(count)
            from kind in Gen.Choose(0, 5)
            from copy in Gen.Choose(0, int.MaxValue - 1).Three()
            from cut in Gen.Choose(0, int.MaxValue - 1)
            select new Mutation(
                seed,
                [.. places.Zip(values, (p, v) => (p, (byte)v))],
                kind == 0 ? (copy.Item1, copy.Item2, copy.Item3) : default,
                kind == 1 ? cut : 0
            )
        ).ToArbitrary();

    [Property(MaxTest = 1500, Arbitrary = [typeof(MutationTests)])]
    public void Damage_is_refused_or_harmless(Mutation mutation)
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        string path = folder.File("mutated");
        File.WriteAllBytes(path, Apply(mutation));
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Environment.TickCount64;
        try
        {
            using ICheckpoint file = CheckpointFile.Open(path);
            foreach (CheckpointEntry entry in file.Entries.Values.Where(e => e.DType.Torch is not null))
                Assert.Equal(entry.Shape, file.Read(entry.Name).clone().shape);
        }
        catch (CheckpointException refused)
        {
            Assert.DoesNotContain('\n', refused.Message);
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxAllocation);
        Assert.InRange(Environment.TickCount64 - start, 0, MaxTime.TotalMilliseconds);
    }

    private static byte[] Apply(Mutation mutation)
    {
        byte[] bytes = [.. Seeds[mutation.Seed]];
        foreach ((int place, byte value) in mutation.Bytes)
            bytes[place % bytes.Length] = value;
        (int from, int to, int length) = mutation.Copy;
        length %= bytes.Length;
        if (length > 0)
            Array.Copy(bytes, from % (bytes.Length - length), bytes, to % (bytes.Length - length), length);
        return mutation.Cut == 0 ? bytes : bytes[..(mutation.Cut % bytes.Length)];
    }
}
