using Coser.Engine;

namespace Coser.Cli.Upscaling;

/// <summary>What <see cref="Compute.Choose"/> would choose, without loading the engine where that can be known.</summary>
internal static class ComputeNames
{
    /// <exception cref="EngineException">CUDA was asked for and is not there.</exception>
    public static (string Device, string Precision) Resolve(DeviceChoice device, Precision precision)
    {
        if (device == DeviceChoice.Cuda || (device == DeviceChoice.Auto && NativeEngine.MayHaveCuda))
        {
            var compute = Compute.Choose(device, precision);
            return (compute.DeviceName, compute.PrecisionName);
        }
        bool bf16 = precision == Precision.Bf16 || (precision == Precision.Auto && CpuFeatures.Bf16);
        return ("cpu", bf16 ? "bf16" : "fp32");
    }
}
