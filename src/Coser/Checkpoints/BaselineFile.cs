using System.Security.Cryptography;
using System.Text.Json;
using Coser.Checkpoints.Conversion;
using Coser.Checkpoints.Renaming;
using Coser.Networks;
using static TorchSharp.torch;

namespace Coser.Checkpoints;

/// <summary>
/// An official checkpoint of a network that enlarges by itself, taken as it is: RRDBNet (RealSR, BSRGAN, Real-ESRGAN+),
/// SRVGGNetCompact, MSRResNet.
/// </summary>
public sealed class BaselineFile : IDisposable
{
    private readonly ICheckpoint _file;
    private readonly CheckpointView _view;
    private readonly NetworkKind _kind;
    private readonly JsonElement _config;

    private BaselineFile(ICheckpoint file)
    {
        _file = file;
        RenamingTable table = RenamingTables.For(file);
        if (!RenamingTables.Baselines.Append(RenamingTables.MsrResNet).Contains(table))
            throw new CheckpointException(file.Path, $"it is {table.Layout}, which is no model by itself");
        RenamedCheckpoint content = table.Apply(file);
        content.RequireKnown(file.Path);
        Layout = table.Layout;
        Dictionary<string, string> names = content.Tensors.ToDictionary(
            t => t.Sources[0],
            t => t.Key,
            StringComparer.Ordinal
        );
        _view = new CheckpointView(new ViewPart(file, names.GetValueOrDefault));
        Dictionary<string, long[]> shapes = _view.Entries.ToDictionary(
            e => e.Key,
            e => e.Value.Shape,
            StringComparer.Ordinal
        );
        (_kind, _config, _) = InferredConfigs.Of(ComponentNames.PreSr, shapes);
        try
        {
            using nn.Module network = _kind.Build(_config);
            WeightMismatch mismatch = WeightLoader.Compare(network, _view);
            if (!mismatch.IsEmpty)
                throw new CheckpointException(file.Path, $"it looks like {Layout}, but: {mismatch.Shortened()}");
            Scale = ((IEnlarger)network).Scale;
        }
        catch (ArgumentException e)
        {
            throw new CheckpointException(file.Path, $"it has sizes that cannot be built: {e.Message}", e);
        }
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>Which network it is, in words.</summary>
    public string Layout { get; }

    /// <summary>Enlargement.</summary>
    public int Scale { get; }

    /// <summary>Reads the file's list of tensors, no values.</summary>
    /// <exception cref="CheckpointException">It is missing or damaged, or none of these networks.</exception>
    public static BaselineFile Open(string path)
    {
        ICheckpoint file = CheckpointFile.Open(path);
        try
        {
            return new BaselineFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>SHA-256 of the file, hex.</summary>
    public string Hash()
    {
        using FileStream stream = File.OpenRead(Path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>The network with its weights, float32 on the CPU.</summary>
    public IEnlarger Load()
    {
        nn.Module network = _kind.Build(_config);
        WeightLoader.Attach(network, _view, Path, dtype: float32);
        network.eval();
        return (IEnlarger)network;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
