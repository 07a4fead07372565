using NetVips;
using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>Pictures of a run: rows of photos side by side.</summary>
public static class SampleGrid
{
    /// <summary>Joins rows of equally sized pictures into one.</summary>
    /// <param name="rows">Each row: pictures [3,h,w], float32, [0,1].</param>
    /// <returns>[3,H,W] with a gap of 4 white pixels between pictures.</returns>
    public static Tensor Join(IReadOnlyList<IReadOnlyList<Tensor>> rows)
    {
        using var scope = NewDisposeScope();
        Tensor[] lines = [.. rows.Select(r => cat([.. r.Select(Framed)], dim: 2))];
        return cat(lines, dim: 1).MoveToOuterDisposeScope();

        static Tensor Framed(Tensor picture) =>
            nn.functional.pad(picture, [0, 4, 0, 4], TorchSharp.PaddingModes.Constant, 1);
    }

    /// <summary>Writes [3,H,W] in [0,1] as an 8-bit PNG, beside its name and renamed.</summary>
    public static void Save(Tensor picture, string path)
    {
        using var scope = NewDisposeScope();
        Tensor bytes = (picture.clamp(0, 1) * 255).round().to(uint8).permute(1, 2, 0).contiguous(); // [H,W,3]
        using Image image = Image.NewFromMemoryCopy(
            bytes.data<byte>().ToArray(),
            (int)picture.shape[2],
            (int)picture.shape[1],
            3,
            Enums.BandFormat.Uchar
        );
        string temporary = path + ".tmp.png";
        image.Pngsave(temporary);
        File.Move(temporary, path, overwrite: true);
    }
}
