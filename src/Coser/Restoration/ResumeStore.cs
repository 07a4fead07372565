using System.Diagnostics;
using System.Globalization;
using Coser.Checkpoints;
using Coser.Diffusion;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// Sampler states in a folder, so that a long restoration survives a stop. A state goes on only with the photo, model and
/// options it was saved for; others are ignored.
/// </summary>
public sealed class ResumeStore
{
    private const string Latent = "latent";
    private const string Previous = "previous_clean";
    private const string StepKey = "step";
    private const string FingerprintKey = "fingerprint";
    private readonly string _folder;
    private readonly string _fingerprint;
    private readonly TimeSpan _interval;
    private readonly Stopwatch _sinceSave = Stopwatch.StartNew();

    /// <param name="folder">Made when the first state is saved.</param>
    /// <param name="fingerprint">Names photo, model and options.</param>
    /// <param name="interval">Least time between two saves of an unfinished stage; null: 20 seconds.</param>
    public ResumeStore(string folder, string fingerprint, TimeSpan? interval = null)
    {
        _folder = Path.GetFullPath(folder);
        _fingerprint = fingerprint;
        _interval = interval ?? TimeSpan.FromSeconds(20);
    }

    /// <summary>True when some state of this restoration has been saved or read.</summary>
    public bool HasSaved { get; private set; }

    /// <summary>True when enough time has passed since the last save.</summary>
    public bool IsDue => _sinceSave.Elapsed >= _interval;

    /// <summary>True when stopping now would lose more than that time.</summary>
    public bool IsWorthwhile => HasSaved || IsDue;

    /// <summary>The state of a stage; null when there is none for this restoration, or it is damaged.</summary>
    public SamplerState? Load(string stage)
    {
        string path = PathOf(stage);
        if (!File.Exists(path))
            return null;
        try
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            if (file.Metadata.GetValueOrDefault(FingerprintKey) != _fingerprint)
                return null;
            HasSaved = true;
            int step = int.Parse(file.Metadata[StepKey], CultureInfo.InvariantCulture);
            using var scope = NewDisposeScope();
            Tensor? previous = file.Entries.ContainsKey(Previous) ? file.Read(Previous).clone() : null;
            return new SamplerState(file.Read(Latent).clone(), step, previous).MoveToOuterDisposeScope();
        }
        catch (Exception e) when (e is CheckpointException or FormatException or KeyNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Puts a state away, whole or not at all.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public void Save(string stage, SamplerState state)
    {
        Directory.CreateDirectory(_folder);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal) { [Latent] = state.Latent };
        if (state.PreviousClean is not null)
            tensors[Previous] = state.PreviousClean;
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [StepKey] = state.Step.ToString(CultureInfo.InvariantCulture),
            [FingerprintKey] = _fingerprint,
        };
        SafetensorsWriter.Write(PathOf(stage), tensors, metadata);
        HasSaved = true;
        _sinceSave.Restart();
    }

    /// <summary>Removes all states: the restoration is finished.</summary>
    public void Clear()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    private string PathOf(string stage) => Path.Combine(_folder, stage + ".safetensors");
}
