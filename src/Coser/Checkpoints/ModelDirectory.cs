using System.Security.Cryptography;
using System.Text.Json;
using Coser.Checkpoints.Renaming;
using Coser.Networks;
using Coser.Networks.Baselines;
using Coser.Networks.PreSr;
using Coser.Tokenization;
using TorchSharp;

namespace Coser.Checkpoints;

/// <summary>What is known of a component without building it.</summary>
/// <param name="Role">Its place in the model, e.g. <c>presr</c>.</param>
/// <param name="Kind">Its network class.</param>
/// <param name="File">Full path of its weights.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="DType">Type of most weights, as in the file: F32, BF16, F16.</param>
public sealed record ModelComponent(string Role, string Kind, string File, long Parameters, long Bytes, string DType);

/// <summary>
/// A folder with <c>model.json</c> and one <c>.safetensors</c> file a component: what the program restores with.
/// </summary>
public sealed class ModelDirectory : IDisposable
{
    /// <summary>Role of the pre-SR network.</summary>
    public const string PreSrRole = ComponentNames.PreSr;

    /// <summary>Name of the file that describes a model.</summary>
    public const string ManifestName = "model.json";
    private readonly Dictionary<string, SafetensorsFile> _files;
    private readonly Lazy<string> _hash;

    private ModelDirectory(string folder, ModelManifest manifest, Dictionary<string, SafetensorsFile> files)
    {
        Folder = folder;
        Manifest = manifest;
        _files = files;
        _hash = new Lazy<string>(ComputeHash);
        Components =
        [
            .. manifest.Components.Select(c => new ModelComponent(
                c.Key,
                c.Value.Kind,
                Path.Combine(folder, c.Value.File),
                files[c.Key].Entries.Values.Sum(e => e.Shape.Aggregate(1L, (a, b) => a * b)),
                new FileInfo(Path.Combine(folder, c.Value.File)).Length,
                MainType(files[c.Key])
            )),
        ];
    }

    /// <summary>Full path of the folder.</summary>
    public string Folder { get; }

    /// <summary>The content of model.json.</summary>
    public ModelManifest Manifest { get; }

    /// <summary>The components, in the order of model.json.</summary>
    public IReadOnlyList<ModelComponent> Components { get; }

    /// <summary>True when the model can only run its first stage: some network of the others is missing.</summary>
    public bool IsPreSrOnly =>
        !ComponentNames.All.Where(role => role != ComponentNames.Cfw).All(Manifest.Components.ContainsKey);

    /// <summary>True when its decoder takes features of the input: as a network of its own, or in the autoencoder itself.</summary>
    public bool WrapsFeatures =>
        Manifest.Components.ContainsKey(ComponentNames.Cfw)
        || Manifest.Components.TryGetValue(ComponentNames.Autoencoder, out ComponentManifest? autoencoder)
            && autoencoder.Config.TryGetProperty("num_fuse_block", out JsonElement blocks)
            && blocks.ValueKind == JsonValueKind.Number;

    /// <summary>SHA-256 (hex) over model.json and the component files: equal hashes restore alike.</summary>
    public string Hash => _hash.Value;

    /// <summary>Opens a model directory: reads its manifest and the headers of its weight files.</summary>
    /// <exception cref="CheckpointException">The folder, its manifest or a weight file is missing or damaged.</exception>
    public static ModelDirectory Open(string folder)
    {
        folder = Path.GetFullPath(folder);
        ModelManifest manifest = ReadManifest(Path.Combine(folder, ManifestName));
        var files = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        try
        {
            foreach ((string role, ComponentManifest component) in manifest.Components)
            {
                if (component.File != Path.GetFileName(component.File))
                    throw new CheckpointException(
                        folder,
                        $"component '{role}' lies outside the folder: {component.File}"
                    );
                files[role] = SafetensorsFile.Open(Path.Combine(folder, component.File));
            }
            return new ModelDirectory(folder, manifest, files);
        }
        catch
        {
            foreach (SafetensorsFile file in files.Values)
                file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The folder of a model given by path or by name. Names are looked for in <c>COSER_MODELS</c>, in <c>models/</c> beside
    /// the program, in the project's own models, and in the user's data folder (coser/models).
    /// </summary>
    /// <exception cref="CheckpointException">There is none; the message lists the names that exist.</exception>
    public static string Find(string nameOrPath)
    {
        if (System.IO.File.Exists(Path.Combine(nameOrPath, ManifestName)))
            return Path.GetFullPath(nameOrPath);
        string? named = Available().FirstOrDefault(m => Path.GetFileName(m) == nameOrPath);
        if (named is not null)
            return named;
        string known = string.Join(", ", Available().Select(Path.GetFileName));
        throw new CheckpointException(
            nameOrPath,
            $"no model of this name and no folder with a model.json. Known models: {(known.Length > 0 ? known : "none")}"
        );
    }

    /// <summary>Folders of all models that can be named, those found first winning over later ones of the same name.</summary>
    public static IReadOnlyList<string> Available()
    {
        string?[] roots =
        [
            Environment.GetEnvironmentVariable("COSER_MODELS"),
            Path.Combine(AppContext.BaseDirectory, "models"),
            AppContext.GetData("Coser.Models.Folder") as string,
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "coser", "models"),
        ];
        return
        [
            .. roots
                .Where(r => !string.IsNullOrEmpty(r) && Directory.Exists(r))
                .SelectMany(r => Directory.EnumerateDirectories(r!).Order(StringComparer.Ordinal))
                .Where(d => System.IO.File.Exists(Path.Combine(d, ManifestName)))
                .Select(d => Path.GetFullPath(d))
                .DistinctBy(Path.GetFileName, StringComparer.Ordinal),
        ];
    }

    /// <summary>The model's tokenizer; null: it has none.</summary>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public ClipTokenizer? OpenTokenizer()
    {
        string folder = Path.Combine(Folder, "tokenizer");
        return Directory.Exists(folder) ? ClipTokenizer.Open(folder) : null;
    }

    /// <summary>Builds a network of the model on the META device: names and shapes, no values.</summary>
    /// <exception cref="CheckpointException">The model has no such network, of another kind, or it cannot be built.</exception>
    public TNetwork Build<TNetwork>(string role, NetworkKind<TNetwork> kind)
        where TNetwork : torch.nn.Module => (TNetwork)Build(role, (NetworkKind)kind);

    /// <inheritdoc cref="Build{TNetwork}"/>
    public torch.nn.Module Build(string role, NetworkKind kind)
    {
        if (!Manifest.Components.TryGetValue(role, out ComponentManifest? component))
            throw new CheckpointException(Folder, $"the model has no component '{role}'");
        if (component.Kind != kind.Name)
            throw new CheckpointException(Folder, $"its '{role}' is a '{component.Kind}', not a '{kind.Name}'");
        try
        {
            return kind.Build(component.Config);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new CheckpointException(Path.Combine(Folder, ManifestName), $"{role}: {e.Message}", e);
        }
    }

    /// <summary>
    /// Builds a network and gives it its weights, for inference. On the CPU, in the type of the file, they are views of the
    /// mapped file (<see cref="WeightLoader.Attach"/>), which outlive this object.
    /// </summary>
    /// <param name="role">One of <see cref="Renaming.ComponentNames"/>, or a model's own.</param>
    /// <param name="kind">One of <see cref="NetworkKinds"/>, or a library's own.</param>
    /// <param name="device">Null: the CPU.</param>
    /// <param name="dtype">Type of the weights; null: as in the file.</param>
    /// <exception cref="CheckpointException">The model has no such network, of another kind, or its weights do not fit.</exception>
    public TNetwork Load<TNetwork>(
        string role,
        NetworkKind<TNetwork> kind,
        torch.Device? device = null,
        torch.ScalarType? dtype = null
    )
        where TNetwork : torch.nn.Module => (TNetwork)Load(role, (NetworkKind)kind, device, dtype);

    /// <inheritdoc cref="Load{TNetwork}"/>
    public torch.nn.Module Load(
        string role,
        NetworkKind kind,
        torch.Device? device = null,
        torch.ScalarType? dtype = null
    )
    {
        torch.nn.Module network = Build(role, kind);
        try
        {
            SafetensorsFile file = _files[role];
            WeightLoader.Attach(network, file, file.Path, device, dtype);
            network.eval();
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The pre-SR network, in float32 on the CPU.</summary>
    /// <exception cref="CheckpointException">The model has no pre-SR, of another kind, or its weights do not fit.</exception>
    public MsrResNet LoadPreSr() => Load(PreSrRole, NetworkKinds.MsrResNet, dtype: torch.float32);

    /// <summary>
    /// The network that enlarges in one pass, in float32 on the CPU: the pre-SR, or a baseline that stands in its place.
    /// </summary>
    /// <exception cref="CheckpointException">The model has none, of an unknown kind, or its weights do not fit.</exception>
    public IEnlarger LoadEnlarger() =>
        Manifest.Components.GetValueOrDefault(PreSrRole)?.Kind switch
        {
            RrdbNetConfig.Kind => Load(PreSrRole, NetworkKinds.RrdbNet, dtype: torch.float32),
            SrVggNetConfig.Kind => Load(PreSrRole, NetworkKinds.SrVggNet, dtype: torch.float32),
            _ => LoadPreSr(),
        };

    /// <summary>The weight file of a component; it is this object's.</summary>
    /// <exception cref="CheckpointException">The model has no such component.</exception>
    public SafetensorsFile Weights(string role) =>
        _files.GetValueOrDefault(role) ?? throw new CheckpointException(Folder, $"the model has no component '{role}'");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafetensorsFile file in _files.Values)
            file.Dispose();
    }

    private static ModelManifest ReadManifest(string path)
    {
        try
        {
            using FileStream file = System.IO.File.OpenRead(path);
            ModelManifest manifest = JsonSerializer.Deserialize<ModelManifest>(file, CoserJson.Strict)!;
            if (manifest.Format != ModelManifest.CurrentFormat)
                throw new CheckpointException(path, $"it has format {manifest.Format}; this program reads 1");
            if (manifest.Restoration?.Fault() is { } fault)
                throw new CheckpointException(path, fault);
            return manifest;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, "no model.json can be read: " + e.Message, e);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new CheckpointException(path, e.Message, e);
        }
    }

    private static string MainType(SafetensorsFile file) =>
        file.Entries.Count == 0
            ? "none"
            : file.Entries.Values.GroupBy(e => e.DType.Name).MaxBy(g => g.Sum(e => e.Length))!.Key;

    private string ComputeHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Components.Select(c => c.File).Prepend(Path.Combine(Folder, ManifestName)))
        {
            using FileStream stream = System.IO.File.OpenRead(file);
            hash.AppendData(SHA256.HashData(stream));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
