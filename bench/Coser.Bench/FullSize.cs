using System.Diagnostics;
using System.Globalization;
using Coser.Checkpoints;
using Coser.Checkpoints.Conversion;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Bench;

/// <summary>
/// Writes random weights in the published layouts at full size, makes a model of them, checks it and loads it, and says how
/// long each step takes and how much memory the process has at its peak (Linux).
/// </summary>
internal static class FullSize
{
    /// <param name="args">A folder; <c>--manifests FOLDER</c>; <c>--keep</c> leaves the sources there.</param>
    public static int Run(string[] args)
    {
        if (args is not [{ Length: > 0 } folder, ..])
        {
            Console.Error.WriteLine("full-size FOLDER [--manifests FOLDER] [--keep]: needs 25 GB of disk.");
            return 2;
        }
        int given = Array.IndexOf(args, "--manifests");
        string manifests = given > 0 ? args[given + 1] : Path.Combine("tests", "fixtures", "manifests");
        string sources = Directory.CreateDirectory(Path.Combine(folder, "sources")).FullName;
        string model = Path.Combine(folder, "model");
        ProcessMemory.Step("write coser_full.safetensors, float32", () => Write("coser_full", ScalarType.Float32));
        ProcessMemory.Step("write coser_stage1.safetensors, float16", () => Write("coser_stage1", ScalarType.Float16));
        ProcessMemory.Step("write sd21_original.ckpt, float32", () => Write("sd21_original", ScalarType.Float32));
        ProcessMemory.Step(
            "write openclip_vit_h_14.safetensors, float16",
            () => Write("openclip_vit_h_14", ScalarType.Float16)
        );
        ProcessMemory.Step(
            "write cfw_autoencoder.safetensors, float32",
            () => Write("cfw_autoencoder", ScalarType.Float32)
        );
        ProcessMemory.Step(
            "convert to bfloat16",
            () =>
                ModelConverter.Convert(
                    new ConversionRequest
                    {
                        StableDiffusion = Source("sd21_original"),
                        Clip = Source("openclip_vit_h_14"),
                        Coser = [Source("coser_full"), Source("coser_stage1")],
                        Cfw = Source("cfw_autoencoder"),
                        Output = model,
                        DType = ConversionType.Bf16,
                        Overwrite = true,
                        Converter = "Coser.Bench full-size",
                    }
                )
        );
        ProcessMemory.Step("verify names and shapes", () => Verify(values: false));
        ProcessMemory.Step("verify every number", () => Verify(values: true));
        ProcessMemory.Step("load all networks, bfloat16, mapped", () => Load(null, together: true));
        ProcessMemory.Step(
            "load network after network, float32, converted",
            () => Load(ScalarType.Float32, together: false)
        );
        if (!args.Contains("--keep", StringComparer.Ordinal))
            Directory.Delete(sources, recursive: true);
        return 0;

        string Source(string name) =>
            Path.Combine(sources, name + (name == "sd21_original" ? ".ckpt" : ".safetensors"));
        void Write(string name, ScalarType type) =>
            RandomCheckpoints.Write(Source(name), Path.Combine(manifests, name + ".json"), type);

        void Verify(bool values)
        {
            using ModelDirectory opened = ModelDirectory.Open(model);
            foreach (ModelProblem problem in ModelVerifier.Verify(opened, NetworkKinds.All, values))
                throw new InvalidDataException($"{problem.Part}: {problem.Problem}");
        }

        void Load(ScalarType? type, bool together)
        {
            using ModelDirectory opened = ModelDirectory.Open(model);
            var networks = new List<nn.Module>();
            foreach (ModelComponent component in opened.Components)
            {
                var clock = Stopwatch.StartNew();
                nn.Module network = opened.Load(
                    component.Role,
                    NetworkKinds.All.Single(k => k.Name == component.Kind),
                    dtype: type
                );
                Console.WriteLine(
                    $"    {component.Role}: {component.Parameters / 1e6:f0} M, {clock.Elapsed.TotalSeconds:f2} s"
                );
                if (together)
                    networks.Add(network);
                else
                    network.Dispose();
            }
            networks.ForEach(n => n.Dispose());
        }
    }
}
