using Coser.Diffusion;
using Coser.Imaging;
using Coser.Networks.Unet;
using Coser.Restoration;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

public sealed class ReferenceUseTests
{
    [Fact]
    public void Strength_is_the_root_mean_square_of_what_the_blocks_add()
    {
        // Middle of 1 x 2 places, one block above with 2 x 4; one without a reference counts for nothing.
        using Tensor coarse = tensor(new float[] { 3, -3, 0, 0 }).reshape(1, 2, 2);
        using Tensor fine = tensor(Enumerable.Range(0, 8).SelectMany(i => new float[] { i, -i }).ToArray())
            .reshape(1, 8, 2);
        using ControlMemory memory = Memory(coarse, fine, null);
        using Tensor strength = memory.ReferenceStrength(2, 4)!;
        float[] expected = [1.5f, 2, 1, 1.5f, 3.5f, 4, 3, 3.5f];
        Assert.Equal([1, 1, 2, 4], strength.shape);
        Assert.All(strength.data<float>().Zip(expected), p => Assert.Equal(p.Second, p.First, 1e-5f));
        using ControlMemory without = Memory(null, null, null);
        Assert.Null(without.ReferenceStrength(2, 4));
    }

    [Fact]
    public void Overlapping_tiles_and_parts_are_averaged_in_their_places()
    {
        using var use = new ReferenceUse(2, 4);
        Assert.Null(use.Mean());
        Assert.Null(use.ToPhoto(8, 4));
        using Tensor values = tensor(new float[] { 1, 1, 1, 1, 3, 3, 3, 3 }).reshape(2, 1, 2, 2);
        use.Add([new LatentTile(0, 0, 2, 2), new LatentTile(1, 0, 2, 2)], values);
        use.MoveTo(3, 0);
        // Half of it lies beyond the edge.
        using Tensor more = full([1, 1, 2, 2], 9f);
        use.Add([new LatentTile(0, 0, 2, 2)], more);
        using Tensor mean = use.Mean()!;
        Assert.Equal([1f, 2f, 3f, 9f, 1f, 2f, 3f, 9f], mean.data<float>().ToArray());
    }

    [Fact]
    public void The_map_is_brightest_where_the_reference_added_most()
    {
        using var use = new ReferenceUse(8, 8);
        using Tensor ramp = arange(64, dtype: float32).reshape(1, 1, 8, 8);
        use.Add([new LatentTile(0, 0, 8, 8)], ramp);
        using Photo map = use.ToPhoto(32, 16)!;
        Assert.Equal((32, 16), (map.Width, map.Height));
        using Tensor pixels = map.Read(new PixelArea(0, 0, 32, 16));
        using Tensor rows = pixels.mean([0, 1, 3]);
        float[] bright = rows.data<float>().ToArray();
        Assert.Equal(bright.Order(), bright);
        Assert.True(bright[^1] > bright[0] + 0.5f);
    }

    private static ControlMemory Memory(params Tensor?[] added)
    {
        AttentionMemory[] parts =
        [
            .. added.Select(a => new AttentionMemory([new BlockMemory(a?.alias(), zeros(1), zeros(1))])),
        ];
        return new ControlMemory(parts[0], [parts[1], null, parts[2]]);
    }
}
