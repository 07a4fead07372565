using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Metrics.Niqe;

/// <summary>The statistics of pristine photos that NIQE compares with: a Gaussian over 36 features.</summary>
public sealed class NiqePrior
{
    /// <summary>Side of the blocks of every published prior.</summary>
    public const int UsualBlock = 96;

    private static readonly Lazy<NiqePrior> OwnPrior = new(ReadOwn);

    private NiqePrior(string name, double[] mean, double[] covariance, double[] window, int block)
    {
        (Name, Mean, Covariance, Window, Block) = (name, mean, covariance, window, block);
    }

    /// <summary>What a report calls it.</summary>
    public string Name { get; }

    /// <summary>36 means.</summary>
    public double[] Mean { get; }

    /// <summary>36x36 covariances, row by row.</summary>
    public double[] Covariance { get; }

    /// <summary>7x7 weights of the local mean, row by row.</summary>
    public double[] Window { get; }

    /// <summary>Side of a block in pixels.</summary>
    public int Block { get; }

    /// <summary>
    /// The prior fitted by this project on its own training photos. Figures taken with it are not comparable with published
    /// NIQE figures, which use the authors' prior.
    /// </summary>
    public static NiqePrior Own => OwnPrior.Value;

    /// <summary>MATLAB's fspecial('gaussian', 7, 7/6).</summary>
    internal static double[] UsualWindow { get; } = MakeWindow();

    /// <exception cref="ArgumentException">The sizes are not 36, 36x36, 7x7, or a value is no number.</exception>
    public static NiqePrior Of(
        string name,
        double[] mean,
        double[] covariance,
        double[]? window = null,
        int block = UsualBlock
    )
    {
        window ??= UsualWindow;
        const int N = NiqeFeatures.Count;
        if (mean.Length != N || covariance.Length != N * N || window.Length != 49)
            throw new ArgumentException("a NIQE prior has 36 means, 36x36 covariances and a 7x7 window", nameof(mean));
        if (block < 16 || block % 2 != 0)
            throw new ArgumentException("blocks are at least 16 pixels wide, and even", nameof(block));
        if (mean.Concat(covariance).Concat(window).Any(v => !double.IsFinite(v)))
            throw new ArgumentException("a value of the NIQE prior is not a number", nameof(mean));
        return new NiqePrior(name, mean, covariance, window, block);
    }

    /// <summary>
    /// Reads a prior file: the authors' <c>modelparameters.mat</c> (MATLAB 5), BasicSR's <c>niqe_pris_params.npz</c>, or this
    /// project's JSON (<c>coser eval niqe-prior</c>).
    /// </summary>
    /// <exception cref="CheckpointException">The file is missing, damaged, or holds no prior.</exception>
    public static NiqePrior Load(string path)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            string name = Path.GetFileName(path);
            if (bytes.AsSpan().StartsWith("PK"u8))
                return FromArrays(name, NumpyArchive.Read(bytes));
            if (bytes.AsSpan().StartsWith("MATLAB 5.0"u8))
                return FromArrays(name, MatlabFile.Read(bytes));
            return FromJson(bytes);
        }
        catch (Exception e)
            when (e
                    is IOException
                        or UnauthorizedAccessException
                        or InvalidDataException
                        or JsonException
                        or ArgumentException
            )
        {
            throw new CheckpointException(path, $"no NIQE prior can be read: {e.Message}", e);
        }
    }

    /// <summary>Writes this project's JSON.</summary>
    /// <param name="source">What it was fitted on, in words.</param>
    public void Save(string path, string source)
    {
        double[] upper =
        [
            .. Enumerable
                .Range(0, NiqeFeatures.Count)
                .SelectMany(i => Covariance.Skip(i * NiqeFeatures.Count + i).Take(NiqeFeatures.Count - i)),
        ];
        var file = new PriorFile(Name, source, Block, [.. Mean.Select(Round)], [.. upper.Select(Round)]);
        File.WriteAllText(path, JsonSerializer.Serialize(file, JsonSerializerOptions.Web) + "\n");
    }

    // Ten digits: a hundred-millionth of a figure.
    private static double Round(double value) =>
        double.Parse(value.ToString("G10", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static NiqePrior FromJson(ReadOnlySpan<byte> bytes)
    {
        PriorFile file =
            JsonSerializer.Deserialize<PriorFile>(bytes, JsonSerializerOptions.Web)
            ?? throw new JsonException("it is empty");
        const int N = NiqeFeatures.Count;
        if (file.Mean is null || file.CovarianceUpper is null || file.CovarianceUpper.Length != N * (N + 1) / 2)
            throw new JsonException("mean and covarianceUpper (666 numbers) are wanted");
        var covariance = new double[N * N];
        int at = 0;
        for (int i = 0; i < N; i++)
        {
            for (int j = i; j < N; j++)
                covariance[i * N + j] = covariance[j * N + i] = file.CovarianceUpper[at++];
        }
        return Of(file.Name ?? "unnamed", file.Mean, covariance, null, file.Block);
    }

    private static NiqePrior FromArrays(string name, IReadOnlyDictionary<string, double[]> arrays)
    {
        double[]? Get(params string[] names) =>
            names.Select(arrays.GetValueOrDefault).FirstOrDefault(a => a is not null);
        double[] mean =
            Get("mu_pris_param", "mu_prisparam") ?? throw new InvalidDataException("it has no mu_prisparam");
        double[] covariance =
            Get("cov_pris_param", "cov_prisparam") ?? throw new InvalidDataException("it has no cov_prisparam");
        return Of(name, mean, covariance, Get("gaussian_window"));
    }

    private static double[] MakeWindow()
    {
        const double Sigma = 7.0 / 6;
        double[] window =
        [
            .. Enumerable
                .Range(0, 49)
                .Select(i => Math.Exp(-((i / 7 - 3) * (i / 7 - 3) + (i % 7 - 3) * (i % 7 - 3)) / (2 * Sigma * Sigma))),
        ];
        double sum = window.Sum();
        return [.. window.Select(v => v / sum)];
    }

    private static NiqePrior ReadOwn()
    {
        using Stream stream = Assembly
            .GetExecutingAssembly()
            .GetManifestResourceStream("Coser.Metrics.niqe-prior.json")!;
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return FromJson(bytes.ToArray());
    }

    private sealed record PriorFile(string? Name, string? Source, int Block, double[]? Mean, double[]? CovarianceUpper);
}
