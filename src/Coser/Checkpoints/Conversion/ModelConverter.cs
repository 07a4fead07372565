using System.Text.Json;
using Coser.Checkpoints.Renaming;
using Coser.Diffusion;
using Coser.Restoration;
using TorchSharp;

namespace Coser.Checkpoints.Conversion;

/// <summary>
/// Makes a model directory of the checkpoints that people have: Stable Diffusion, open_clip, CoSeR, StableSR. Tensors pass
/// one at a time, so memory does not grow with the files.
/// </summary>
public static class ModelConverter
{
    private const long Reserve = 64L << 20;

    /// <summary>Converts; the folder appears when all is written.</summary>
    /// <exception cref="CheckpointException">
    /// A file is unusable, two contradict each other, something is missing, or there is no place for the model. Nothing is
    /// left behind.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public static ConvertedModel Convert(
        ConversionRequest request,
        IProgress<ConversionProgress>? progress = null,
        CancellationToken cancel = default
    )
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Output));
        using ConversionPlan plan = ConversionPlan.Make(request with { Output = target });
        IReadOnlyList<string> vocabulary = Vocabulary(request);
        long bytes = plan.Components.Sum(c => c.Tensors.Values.Sum(t => Bytes(t, request.DType)));
        using var folder = new PartialFolder(target, request.Overwrite);
        if (folder.FreeBytes < bytes + Reserve)
            throw new CheckpointException(
                target,
                $"the model takes {Gigabytes(bytes)}, but its disk has {Gigabytes(folder.FreeBytes)} left. Free some, or "
                    + "take --dtype fp16 or bf16."
            );
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        // One core hashes while another converts; what one has read the other finds in the system's cache.
        Task<string[]> hashes = Task.Run(() => plan.Sources.Select(s => s.Hash(stop.Token)).ToArray(), stop.Token);
        try
        {
            Write(plan, request, folder, bytes, progress, cancel);
            CopyVocabulary(vocabulary, folder);
            ModelManifest manifest = Describe(plan, request, target, hashes.GetAwaiter().GetResult());
            File.WriteAllText(
                folder.File(ModelDirectory.ManifestName),
                JsonSerializer.Serialize(manifest, CoserJson.Strict) + "\n"
            );
            folder.Complete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(target, $"it cannot be written: {e.Message}", e);
        }
        finally
        {
            stop.Cancel();
            ((IAsyncResult)hashes).AsyncWaitHandle.WaitOne();
        }
        return new ConvertedModel(target, bytes, [.. plan.Components.Select(c => c.Role)], Notes(plan, vocabulary));
    }

    private static void Write(
        ConversionPlan plan,
        ConversionRequest request,
        PartialFolder folder,
        long all,
        IProgress<ConversionProgress>? progress,
        CancellationToken cancel
    )
    {
        long done = 0;
        foreach (PlannedComponent component in plan.Components)
        {
            AssembledTensor? last = null;
            SafetensorsWriter.Write(
                folder.File(FileName(component)),
                component.Tensors.Select(t =>
                {
                    ElementType type = t.Value.Target(request.DType);
                    return new PendingTensor(t.Key, type, t.Value.Tensor.Shape, () => Next(t.Value, type));
                })
            );
            last?.Forget();

            torch.Tensor Next(AssembledTensor tensor, ElementType type)
            {
                cancel.ThrowIfCancellationRequested();
                last?.Forget(); // it is written by now
                last = tensor;
                progress?.Report(new ConversionProgress(component.Role, done, all));
                done += Bytes(tensor, request.DType);
                return tensor.Read(type);
            }
        }
        progress?.Report(new ConversionProgress(plan.Components[^1].Role, done, all));
    }

    private static IReadOnlyList<string> Vocabulary(ConversionRequest request)
    {
        if (request.Tokenizer is { } given)
            return TokenizerFiles.Find(given);
        string? beside = request.StableDiffusion is { } sd ? DiffusersFolder.Tokenizer(sd) : null;
        return Directory.Exists(beside) ? TokenizerFiles.Find(beside) : [];
    }

    private static void CopyVocabulary(IReadOnlyList<string> files, PartialFolder folder)
    {
        if (files.Count == 0)
            return;
        string place = Directory.CreateDirectory(folder.File(TokenizerFiles.Folder)).FullName;
        foreach (string file in files)
            File.Copy(file, Path.Combine(place, Path.GetFileName(file)));
    }

    private static ModelManifest Describe(
        ConversionPlan plan,
        ConversionRequest request,
        string target,
        string[] hashes
    ) =>
        new()
        {
            Name = request.Name ?? Path.GetFileName(target),
            Description = plan.Baseline is { } layout
                ? $"{layout}, converted from its user's own checkpoint."
                : "CoSeR on Stable Diffusion 2.1-base, converted from its user's own checkpoints.",
            Licence = plan.Baseline is null
                ? "Stable Diffusion 2.1: CreativeML Open RAIL++-M. open_clip ViT-H-14: MIT. "
                    + "CoSeR, pre-SR and feature wrapping: as their authors state it."
                : "As the checkpoint's authors state it.",
            Scale = Scale(plan.Components[0]),
            Components = plan.Components.ToDictionary(
                c => c.Role,
                c => new ComponentManifest
                {
                    Kind = c.Kind.Name,
                    File = FileName(c),
                    Config = c.Config,
                },
                StringComparer.Ordinal
            ),
            // Sampling as in the paper, section 4.1, and in the reproduction's scripts.
            Diffusion = plan.Baseline is null ? new DiffusionConfig() : null,
            Restoration = plan.Baseline is null ? RestorationConfig.Reproduction : null,
            Provenance = JsonSerializer.SerializeToElement(
                new
                {
                    converter = request.Converter,
                    dtype = request.DType,
                    sources = plan.Sources.Select(
                        (s, i) =>
                            new
                            {
                                option = s.Option,
                                file = Path.GetFileName(s.File.Path),
                                layout = s.Content.Layout,
                                bytes = new FileInfo(s.File.Path).Length,
                                sha256 = hashes[i],
                            }
                    ),
                },
                CoserJson.Strict
            ),
        };

    private static string[] Notes(ConversionPlan plan, IReadOnlyList<string> vocabulary)
    {
        string[] others = [.. plan.Components.Where(c => !c.IsFullSize).Select(c => c.Role)];
        var notes = new List<string>();
        if (others.Length > 0)
            notes.Add(
                $"not of the official sizes, which were read off the tensors instead: {string.Join(", ", others)}"
            );
        if (plan.Baseline is not null)
            return [.. notes];
        if (plan.Components.All(c => c.Role != ComponentNames.Cfw))
            notes.Add("no feature wrapping (--cfw): details of the photo itself reach the result less exactly");
        if (vocabulary.Count == 0)
            notes.Add("no vocabulary (--tokenizer): prompts cannot be used");
        return [.. notes];
    }

    private static int Scale(PlannedComponent first) =>
        first.Config.TryGetProperty("upscale", out JsonElement u) ? u.GetInt32()
        : first.Kind.Name == NetworkKinds.RrdbNet.Name ? first.Config.GetProperty("scale").GetInt32()
        : new ModelManifest { Name = "", Components = new Dictionary<string, ComponentManifest>() }.Scale;

    private static string FileName(PlannedComponent component) => component.Role + ".safetensors";

    private static long Bytes(AssembledTensor tensor, ConversionType type) =>
        tensor.Target(type).Bytes(tensor.Tensor.Shape)!.Value;

    private static string Gigabytes(long bytes) =>
        (bytes / 1e9).ToString("0.00", System.Globalization.CultureInfo.InvariantCulture) + " GB";
}
