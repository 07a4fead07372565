using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace Coser.Engine;

/// <summary>Number format of the networks' matrix work.</summary>
public enum Precision
{
    /// <summary>bfloat16 where the processor multiplies it in hardware (AVX512-BF16, AMX) or on CUDA, else float32.</summary>
    Auto,

    /// <summary>float32 throughout: the reference.</summary>
    Fp32,

    /// <summary>bfloat16 weights and activations; sums that would show as banding stay in float32.</summary>
    Bf16,
}

/// <summary>Where the networks run.</summary>
public enum DeviceChoice
{
    /// <summary>CUDA when the engine has it and a GPU answers, else the CPU.</summary>
    Auto,

    /// <summary>The CPU.</summary>
    Cpu,

    /// <summary>The first CUDA device; an error when there is none.</summary>
    Cuda,
}

/// <summary>Device and precision as chosen for this machine.</summary>
public sealed record Compute(torch.Device Device, torch.ScalarType DType)
{
    /// <summary>Resolves the user's wishes on this machine and loads the engine.</summary>
    /// <exception cref="EngineException">CUDA was asked for and is not there, or the engine cannot be loaded.</exception>
    public static Compute Choose(DeviceChoice device = DeviceChoice.Auto, Precision precision = Precision.Auto)
    {
        NativeEngine.EnsureLoaded();
        bool cuda = device switch
        {
            DeviceChoice.Cpu => false,
            DeviceChoice.Cuda when !torch.cuda.is_available() => throw new EngineException(
                "--device cuda was asked for, but this engine finds no CUDA device. "
                    + "Build with -p:Engine=cuda on a machine with an NVIDIA driver, or use --device cpu."
            ),
            _ => torch.cuda.is_available(),
        };
        bool bf16 = precision switch
        {
            Precision.Fp32 => false,
            Precision.Bf16 => true,
            _ => cuda || CpuFeatures.Bf16,
        };
        return new Compute(cuda ? torch.CUDA : torch.CPU, bf16 ? torch.bfloat16 : torch.float32);
    }

    /// <summary>"cpu" or "cuda".</summary>
    public string DeviceName => Device.type == DeviceType.CUDA ? "cuda" : "cpu";

    /// <summary>"fp32" or "bf16".</summary>
    public string PrecisionName => DType == torch.bfloat16 ? "bf16" : "fp32";
}

/// <summary>What the processor offers, read by CPUID.</summary>
public static class CpuFeatures
{
    /// <summary>True when bfloat16 products run in hardware (AVX512-BF16 or AMX-BF16).</summary>
    public static bool Bf16 { get; } = DetectBf16();

    /// <summary>Names of the vector extensions that matter here, best last.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. new (bool Present, string Name)[]
        {
            (Avx2.IsSupported, "AVX2"),
            (Avx512F.IsSupported, "AVX-512"),
            (HasLeaf7(1, eaxBit: 5), "AVX512-BF16"),
            (HasLeaf7(0, edxBit: 22), "AMX-BF16"),
            (System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported, "NEON"),
        }
            .Where(f => f.Present)
            .Select(f => f.Name),
    ];

    /// <summary>True on AMD's processors of family 26.</summary>
    internal static bool IsZen5 { get; } = DetectZen5();

    private static bool DetectZen5()
    {
        if (!X86Base.IsSupported)
            return false;
        (_, int ebx, int ecx, int edx) = X86Base.CpuId(0, 0);
        int signature = X86Base.CpuId(1, 0).Eax;
        int family = (signature >> 8 & 0xF) + (signature >> 20 & 0xFF);
        return (ebx, edx, ecx) == (0x68747541, 0x69746E65, 0x444D4163) && family == 26; // "AuthenticAMD"
    }

    private static bool DetectBf16() => HasLeaf7(1, eaxBit: 5) || HasLeaf7(0, edxBit: 22);

    private static bool HasLeaf7(int subLeaf, int eaxBit = -1, int edxBit = -1)
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < 7)
            return false;
        (int eax, _, _, int edx) = X86Base.CpuId(7, subLeaf);
        return eaxBit >= 0 ? (eax >> eaxBit & 1) == 1 : (edx >> edxBit & 1) == 1;
    }
}
