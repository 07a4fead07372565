using Coser.Training.Data;
using NetVips;

namespace Coser.Tests.Training;

public sealed class TestPairsTests : IDisposable
{
    private static readonly TestPairSettings Small = new() { Side = 64, Count = 10 };
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Two_of_each_class_are_degraded_and_the_same_seed_gives_the_same_files()
    {
        for (int c = 0; c < 2; c++)
        {
            for (int i = 0; i < 4; i++)
                Photo($"n{c}/p{i}.png", 80, 72, seed: 10 * c + i);
        }
        File.WriteAllText(_folder.File("photos/n0/broken.png"), "no photo");
        Assert.Equal(4, Write(Small, "a"));
        string[] lines = File.ReadAllLines(_folder.File("a/pairs.jsonl"));
        Assert.Equal(2, lines.Count(l => l.Contains("\"source\":\"n0/", StringComparison.Ordinal)));
        Assert.Equal(2, lines.Count(l => l.Contains("\"source\":\"n1/", StringComparison.Ordinal)));
        foreach (string hr in Directory.GetFiles(_folder.File("a/hr")))
        {
            using Image sharp = Image.NewFromFile(hr);
            using Image poor = Image.NewFromFile(hr.Replace("/hr/", "/lr/", StringComparison.Ordinal));
            Assert.Equal((64, 64, 16, 16), (sharp.Width, sharp.Height, poor.Width, poor.Height));
        }
        Write(Small, "b");
        Assert.Equal(Contents("a"), Contents("b"));
        Write(Small with { Seed = 2 }, "c");
        Assert.NotEqual(Contents("a"), Contents("c"));
    }

    [Fact]
    public void A_call_that_was_stopped_goes_on_and_other_settings_are_refused()
    {
        for (int i = 0; i < 4; i++)
            Photo($"p{i}.png", 70, 90, seed: i);
        TestPairSettings three = Small with { Count = 3 };
        Write(three, "whole");
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            new TestPairs(three).Write(_folder.File("photos"), _folder.File("half"), _ => stop.Cancel(), stop.Token)
        );
        string first = Directory.GetFiles(_folder.File("half/lr")).Single();
        DateTime made = File.GetLastWriteTimeUtc(first);
        File.AppendAllText(_folder.File("half/pairs.jsonl"), "{\"name\":\"cut o");
        Assert.Equal(3, Write(three, "half"));
        Assert.Equal(made, File.GetLastWriteTimeUtc(first));
        Assert.Equal(Contents("whole"), Contents("half"));
        Assert.Contains(
            "other settings",
            Assert.Throws<InvalidDataException>(() => Write(three with { Seed = 9 }, "half")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Stablesrs_crop_is_not_resized_and_passes_over_what_is_too_small()
    {
        Photo("small.png", 63, 200, seed: 1);
        Photo("large.png", 100, 90, seed: 2);
        Assert.Equal(1, Write(Small with { Crop = TestCrop.Stablesr }, "crops"));
        using Image hr = Image.NewFromFile(Directory.GetFiles(_folder.File("crops/hr")).Single());
        using Image photo = Image.NewFromFile(_folder.File("photos/large.png"));
        using Image middle = photo.Crop(18, 13, 64, 64);
        Assert.Equal(0, (hr - middle).Abs().Max());
        Assert.Equal(2, Write(Small, "resized"));
        Assert.Equal(1, Write(Small with { MinSide = 80 }, "large"));
        Assert.Throws<InvalidDataException>(() => Write(Small, "none", "no-such-folder"));
    }

    private int Write(TestPairSettings settings, string target, string photos = "photos")
    {
        var pairs = new TestPairs(settings);
        int made = pairs.Write(_folder.File(photos), _folder.File(target));
        Assert.All(pairs.PassedOver, p => Assert.Contains("broken.png", p, StringComparison.Ordinal));
        return made;
    }

    private void Photo(string name, int width, int height, int seed)
    {
        string path = _folder.File("photos/" + name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using Image noise = Image.Gaussnoise(width, height, sigma: 40, mean: 128, seed: seed);
        using Image rgb = noise.Gaussblur(1).Bandjoin(noise, noise).Cast(Enums.BandFormat.Uchar);
        rgb.Copy(interpretation: Enums.Interpretation.Srgb).Pngsave(path);
    }

    private string[] Contents(string folder) =>
        [
            .. Directory
                .GetFiles(_folder.File(folder), "*.png", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
                .Select(f =>
                    Path.GetFileName(f)
                    + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))
                ),
        ];
}
