using System.Runtime.InteropServices;
using Coser.Checkpoints;
using Coser.Cli.Models;
using Coser.Cli.Upscaling;
using Coser.Engine;
using TorchSharp;

namespace Coser.Cli.Diagnostics;

/// <summary>The checks of <c>coser doctor</c>, each independent of the others' success.</summary>
internal static class Doctor
{
    private const long LittleMemory = 2L << 30;

    public static IReadOnlyList<Func<Finding>> AllChecks { get; } =
    [
        Guarded("coser", FindingState.Fail, Versions),
        Guarded("engine", FindingState.Fail, EngineLoads),
        Guarded("images", FindingState.Fail, FormatProbe.Check),
        Guarded("models", FindingState.Fail, Models),
        Guarded("processor", FindingState.Warn, Processor),
        Guarded("memory", FindingState.Warn, Memory),
        Guarded("cuda", FindingState.Warn, Cuda),
        Guarded("precision", FindingState.Fail, PrecisionChosen),
        Guarded("speed", FindingState.Warn, SpeedProbe.Check),
    ];

    private static Func<Finding> Guarded(string name, FindingState onError, Func<string, Finding> check) =>
        () =>
        {
            try
            {
                return check(name);
            }
            // A check that breaks is a finding, whatever it broke with; the other checks go on.
            catch (Exception e)
            {
                return new Finding(name, onError, FailureText.OneLine(e.Message));
            }
        };

    private static Finding Versions(string name) =>
        new(
            name,
            FindingState.Ok,
            $"{BuildInfo.Full}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription} "
                + RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()
        );

    private static Finding EngineLoads(string name)
    {
        NativeEngine.EnsureLoaded();
        using torch.Tensor two = torch.ones(1) + 1;
        return two.item<float>() == 2
            ? new Finding(
                name,
                FindingState.Ok,
                $"libtorch {torch.__version__} from {NativeEngine.Folder ?? "TorchSharp"}"
            )
            : new Finding(name, FindingState.Fail, "libtorch loads, but computes 1 + 1 wrongly");
    }

    private static Finding Models(string name)
    {
        var good = new List<string>();
        var bad = new List<string>();
        foreach (string model in ModelDirectory.Available())
        {
            try
            {
                ModelSummary summary = ModelSummary.Read(model);
                good.Add(summary.PreSrOnly ? $"{summary.Name} (pre-SR only)" : summary.Name);
            }
            catch (CheckpointException e)
            {
                bad.Add(FailureText.OneLine(e.Message));
            }
        }
        if (good.Count == 0)
        {
            string detail = bad.Count > 0 ? string.Join("; ", bad) : "none found";
            return new Finding(name, FindingState.Fail, detail, "Give 'coser upscale' a model's folder with --model.");
        }
        return bad.Count == 0
            ? new Finding(name, FindingState.Ok, string.Join(", ", good))
            : new Finding(name, FindingState.Warn, $"{string.Join(", ", good)}; damaged: {string.Join("; ", bad)}");
    }

    private static Finding Processor(string name)
    {
        string features =
            CpuFeatures.Names.Count > 0 ? string.Join(", ", CpuFeatures.Names) : "no vector extensions known";
        string detail =
            $"{Machine.ProcessorName()}, {Environment.ProcessorCount} cores usable, {torch.get_num_threads()} threads, {features}";
        bool slow = !CpuFeatures.Names.Any(n => n is "AVX2" or "NEON");
        return slow
            ? new Finding(
                name,
                FindingState.Warn,
                detail,
                "Without AVX2, expect minutes for what others do in seconds."
            )
            : new Finding(name, FindingState.Ok, detail);
    }

    private static Finding Memory(string name)
    {
        (long total, long available) = Machine.Memory();
        string detail = $"{Sizes.Bytes(total)} usable by this process, {Sizes.Bytes(available)} free now";
        return available < LittleMemory
            ? new Finding(name, FindingState.Warn, detail, "Use a small --tile (128) or close other programs.")
            : new Finding(name, FindingState.Ok, detail);
    }

    private static Finding Cuda(string name)
    {
        if (!NativeEngine.MayHaveCuda)
            return new Finding(name, FindingState.Ok, "not in this engine (CPU build); -p:Engine=cuda builds with it");
        return torch.cuda.is_available()
            ? new Finding(name, FindingState.Ok, $"{torch.cuda.device_count()} device(s)")
            : new Finding(name, FindingState.Warn, "in this engine, but no device answers", "Check the NVIDIA driver.");
    }

    private static Finding PrecisionChosen(string name)
    {
        var compute = Compute.Choose();
        string why = compute switch
        {
            { DeviceName: "cuda" } => "a GPU multiplies it fast",
            { PrecisionName: "bf16" } => "this processor multiplies it in hardware",
            _ => "this processor has neither AVX512-BF16 nor AMX",
        };
        return new Finding(name, FindingState.Ok, $"auto is {compute.PrecisionName} on {compute.DeviceName}: {why}");
    }
}
