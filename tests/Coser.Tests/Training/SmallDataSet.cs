using NetVips;

namespace Coser.Tests.Training;

/// <summary>Six small pictures of blurred noise with an index: four to train on, two to validate.</summary>
internal static class SmallDataSet
{
    public static void Write(string folder)
    {
        string photos = Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName;
        var lines = new List<string>();
        for (int i = 0; i < 6; i++)
        {
            using Image noise = Image.Gaussnoise(64, 64, sigma: 40, mean: 128, seed: i);
            using Image rgb = noise.Gaussblur(1 + i * 0.3).Bandjoin(noise, noise).Cast(Enums.BandFormat.Uchar);
            rgb.Copy(interpretation: Enums.Interpretation.Srgb).Pngsave(Path.Combine(photos, $"{i}.png"));
            string split = i < 4 ? "train" : "validation";
            lines.Add($$"""{"file":"{{i}}.png","label":"","source":"test","split":"{{split}}"}""");
        }
        File.WriteAllLines(Path.Combine(folder, "index.jsonl"), lines);
    }
}
