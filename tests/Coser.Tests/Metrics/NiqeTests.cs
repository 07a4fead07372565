using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Coser.Checkpoints;
using Coser.Imaging;
using Coser.Metrics.Niqe;
using Coser.Metrics.Sets;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Metrics;

public sealed class NiqeTests
{
    private const int N = 36;

    [Fact]
    public void The_figure_of_a_set_is_that_of_one_image_with_all_blocks()
    {
        Tensor wide = Draw.Uniform(5, 1, 3, 96, 96 * 6);
        double whole = NaturalnessIndex.PerImage(wide, NiqePrior.Own)[0];
        // Cut apart the windows at the seams see other neighbours: near, not equal.
        Tensor[] parts = [.. wide.chunk(3, dim: 3).Select(p => NaturalnessIndex.Blocks(p.contiguous(), NiqePrior.Own))];
        Assert.All(parts, p => Assert.Equal([2, N], p.shape));
        using FeatureStatistics pooled = FeatureStatistics.Of(cat(parts));
        Assert.Equal(whole, NaturalnessIndex.OfSet(pooled, NiqePrior.Own), 0.1 * whole);
        using FeatureStatistics same = FeatureStatistics.Of(NaturalnessIndex.Blocks(wide, NiqePrior.Own));
        Assert.Equal(whole, NaturalnessIndex.OfSet(same, NiqePrior.Own), 9);
        Assert.Equal([0, N], NaturalnessIndex.Blocks(Draw.Uniform(5, 1, 3, 95, 200), NiqePrior.Own).shape);
    }

    [Theory]
    [InlineData(0.1, 9.513507698668732)]
    [InlineData(0.5, 1.772453850905516)]
    [InlineData(1, 1)]
    [InlineData(3.7, 4.170651783796603)]
    [InlineData(15, 87178291200)]
    public void Gamma_has_its_known_values(double x, double expected) =>
        Assert.Equal(1, AsymmetricGaussian.Gamma(x) / expected, 12);

    [Fact]
    public void A_normal_sample_is_fitted_as_one()
    {
        using Tensor sample = Draw.Normal(1, 200_000);
        AsymmetricGaussian fit = AsymmetricGaussian.Fit([.. sample.data<float>()]);
        // Shape 2 is the Gaussian, whose scale is sqrt(2) deviations.
        Assert.Equal(2, fit.Alpha, 0.05);
        Assert.Equal(Math.Sqrt(2), fit.Left, 0.03);
        Assert.Equal(Math.Sqrt(2), fit.Right, 0.03);
        Assert.Equal(0, fit.Mean, 0.03);
    }

    [Fact]
    public void A_one_sided_block_has_no_fit() => Assert.True(double.IsNaN(AsymmetricGaussian.Fit([0.5f, 1, 2]).Alpha));

    [Fact]
    public void The_own_prior_prefers_a_photo_to_its_noisy_and_its_blocky_copy()
    {
        using var scope = NewDisposeScope();
        Tensor photo = Sample("ladybird.jpg");
        Tensor noisy = (photo + 0.15 * Draw.Normal(2, photo.shape)).clamp(0, 1);
        Tensor blocky = nn.functional.interpolate(
            nn.functional.avg_pool2d(photo, 8),
            scale_factor: [8, 8],
            mode: InterpolationMode.Nearest
        );
        double own = Niqe(photo);
        Assert.InRange(own, 1, 15);
        Assert.True(Niqe(noisy) > own + 1, $"noise {Niqe(noisy)}, photo {own}");
        Assert.True(Niqe(blocky) > own + 1, $"blocks {Niqe(blocky)}, photo {own}");
    }

    [Fact]
    public void The_own_priors_covariance_is_positive_definite()
    {
        using var scope = NewDisposeScope();
        Tensor values = linalg.eigvalsh(tensor(NiqePrior.Own.Covariance).view(N, N));
        Assert.True(values.min().item<double>() > 0);
    }

    [Fact]
    public void A_fitted_prior_comes_back_from_its_file_and_likes_what_it_was_fitted_to()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var fit = new NiqeFit(block: 32);
        Tensor photo = Sample("grass.jpg");
        foreach (Tensor turned in new[] { photo, photo.flip(3), photo.flip(2) })
            fit.Add(turned);
        NiqePrior prior = fit.Make("mine");
        string file = folder.File("prior.json");
        prior.Save(file, "a test");
        NiqePrior again = NiqePrior.Load(file);
        Assert.Equal(("mine", 32), (again.Name, again.Block));
        double before = NaturalnessIndex.PerImage(photo, prior)[0];
        Assert.Equal(before, NaturalnessIndex.PerImage(photo, again)[0], before * 1e-4);
        Tensor noisy = (photo + 0.15 * Draw.Normal(3, photo.shape)).clamp(0, 1);
        Assert.True(NaturalnessIndex.PerImage(noisy, again)[0] > before + 1);
    }

    [Fact]
    public void Published_prior_files_are_read()
    {
        using var folder = new TemporaryFolder();
        double[] mean = [.. Enumerable.Range(0, N).Select(i => i / 7.0)];
        // Not symmetric, so that rows and columns cannot be mistaken.
        double[] covariance = [.. Enumerable.Range(0, N * N).Select(i => i * 0.01)];
        string mat = folder.File("modelparameters.mat");
        File.WriteAllBytes(mat, Matlab(mean, covariance, compress: false));
        string packed = folder.File("packed.mat");
        File.WriteAllBytes(packed, Matlab(mean, covariance, compress: true));
        string npz = folder.File("niqe_pris_params.npz");
        File.WriteAllBytes(npz, Numpy(mean, covariance));
        foreach (string file in new[] { mat, packed, npz })
        {
            NiqePrior prior = NiqePrior.Load(file);
            Assert.Equal(mean, prior.Mean);
            Assert.Equal(covariance, prior.Covariance);
            Assert.Equal(1, prior.Window.Sum(), 12);
            Assert.Equal(Path.GetFileName(file), prior.Name);
        }
    }

    [Fact]
    public void Broken_prior_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        byte[] mat = Matlab(new double[N], new double[N * N], compress: false);
        byte[] npz = Numpy(new double[N], new double[N * N]);
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["cut.mat"] = mat[..^100],
            ["cut.npz"] = npz[..^100],
            ["short.mat"] = Matlab(new double[N - 1], new double[N * N], compress: false),
            ["empty.json"] = "{}"u8.ToArray(),
            ["text.json"] = "no prior"u8.ToArray(),
            ["none.json"] = [],
        };
        foreach ((string name, byte[] bytes) in files)
        {
            File.WriteAllBytes(folder.File(name), bytes);
            string message = Assert.Throws<CheckpointException>(() => NiqePrior.Load(folder.File(name))).Message;
            Assert.Contains(name, message, StringComparison.Ordinal);
        }
        Assert.Throws<CheckpointException>(() => NiqePrior.Load(folder.File("missing.mat")));
    }

    [Fact]
    public void What_cannot_be_judged_is_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => NaturalnessIndex.PerImage(rand(1, 3, 95, 300), NiqePrior.Own));
        Assert.Throws<ArgumentException>(() => NaturalnessIndex.PerImage(rand(1, 3, 100, 100), NiqePrior.Own));
        Assert.True(double.IsNaN(NaturalnessIndex.PerImage(zeros(1, 3, 192, 192), NiqePrior.Own)[0]));
        Assert.Throws<InvalidOperationException>(() => new NiqeFit().Make("none"));
    }

    private static double Niqe(Tensor image) => NaturalnessIndex.PerImage(image, NiqePrior.Own)[0];

    private static Tensor Sample(string name)
    {
        using Photo photo = Photo.Open(Path.Combine(Repository.Root, "samples", name));
        (int w, int h) = (Math.Min(photo.Width, 384), Math.Min(photo.Height, 288));
        return photo.Read(new PixelArea((photo.Width - w) / 2, (photo.Height - h) / 2, w, h));
    }

    private static byte[] Matlab(double[] mean, double[] covariance, bool compress)
    {
        using var file = new MemoryStream();
        byte[] header = new byte[128];
        Encoding.ASCII.GetBytes("MATLAB 5.0 MAT-file").CopyTo(header, 0);
        (header[124], header[125], header[126], header[127]) = (0, 1, (byte)'I', (byte)'M');
        file.Write(header);
        foreach (
            (string name, int rows, double[] values) in new[]
            {
                ("mu_prisparam", 1, mean),
                ("cov_prisparam", N, covariance),
            }
        )
        {
            int columns = values.Length / rows;
            byte[] data = new byte[values.Length * 8];
            for (int i = 0; i < values.Length; i++) // by columns
                BinaryPrimitives.WriteDoubleLittleEndian(data.AsSpan(i * 8), values[i % rows * columns + i / rows]);
            byte[] matrix =
            [
                .. Element(6, [6, 0, 0, 0, 0, 0, 0, 0]),
                .. Element(5, [.. BitConverter.GetBytes(rows), .. BitConverter.GetBytes(columns)]),
                .. Element(1, Encoding.ASCII.GetBytes(name)),
                .. Element(9, data),
            ];
            byte[] element = Element(14, matrix);
            if (compress)
            {
                using var packed = new MemoryStream();
                using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
                    zlib.Write(element);
                element =
                [
                    .. BitConverter.GetBytes(15),
                    .. BitConverter.GetBytes((int)packed.Length),
                    .. packed.ToArray(),
                ];
            }
            file.Write(element);
        }
        return file.ToArray();
    }

    private static byte[] Element(int type, byte[] data) =>
        [
            .. BitConverter.GetBytes(type),
            .. BitConverter.GetBytes(data.Length),
            .. data,
            .. new byte[(8 - data.Length % 8) % 8],
        ];

    private static byte[] Numpy(double[] mean, double[] covariance)
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (
                (string name, string shape, double[] values) in new[]
                {
                    ("mu_pris_param", $"(1, {N})", mean),
                    ("cov_pris_param", $"({N}, {N})", covariance),
                }
            )
            {
                string text = $"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n";
                using Stream entry = zip.CreateEntry(name + ".npy").Open();
                entry.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)text.Length, 0, .. Encoding.ASCII.GetBytes(text)]);
                foreach (double value in values)
                    entry.Write(BitConverter.GetBytes(value));
            }
        }
        return file.ToArray();
    }
}
