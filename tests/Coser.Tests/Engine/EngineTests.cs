using System.Diagnostics;
using Coser.Build;
using Coser.Engine;
using TorchSharp;

namespace Coser.Tests.Engine;

public sealed class EngineTests
{
    [Fact]
    public void The_engine_comes_from_the_staged_folder_and_computes()
    {
        NativeEngine.EnsureLoaded();
        Assert.NotNull(NativeEngine.Folder);
        using torch.Tensor product = torch.ones(2, 3).mm(torch.ones(3, 2));
        Assert.Equal(3f, product[0, 0].item<float>());
    }

    [Fact]
    public void No_output_folder_holds_a_copy_of_libtorch()
    {
        string[] copies = Directory.GetFiles(AppContext.BaseDirectory, "libtorch*", SearchOption.AllDirectories);
        string[] wrappers = Directory.GetFiles(
            AppContext.BaseDirectory,
            "*LibTorchSharp*",
            SearchOption.AllDirectories
        );
        Assert.Empty(copies.Concat(wrappers));
    }

    [Fact]
    public void The_staged_library_asks_for_no_newer_libstdcxx_than_it_can_do_without()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("ELF only");
        NativeEngine.EnsureLoaded();
        byte[] elf = File.ReadAllBytes(Path.Combine(NativeEngine.Folder!, "libLibTorchSharp.so"));
        IList<int> flags = ElfVersionNeeds.FindFlags(elf, "GLIBCXX_3.4.32");
        Assert.NotEmpty(flags);
        Assert.All(flags, f => Assert.Equal(0x2, elf[f] & 0x2));
    }

    [Fact]
    public void Patching_changes_one_flag_of_a_copy_and_nothing_through_a_hard_link()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("ELF only");
        using var folder = new TemporaryFolder();
        string original = folder.File("original.so");
        string link = folder.File("linked.so");
        byte[] staged = File.ReadAllBytes(Path.Combine(NativeEngine.Folder!, "libLibTorchSharp.so"));
        foreach (int flag in ElfVersionNeeds.FindFlags(staged, "GLIBCXX_3.4.32"))
            staged[flag] = 0;
        File.WriteAllBytes(original, staged);
        using (Process ln = Process.Start("ln", [original, link]))
            ln.WaitForExit();
        Assert.Equal(1, ElfVersionNeeds.MakeWeak(link, "GLIBCXX_3.4.32"));
        Assert.Equal(0, ElfVersionNeeds.MakeWeak(link, "GLIBCXX_3.4.32"));
        Assert.Equal(staged, File.ReadAllBytes(original));
        byte[] patched = File.ReadAllBytes(link);
        Assert.Equal(1, staged.Zip(patched).Count(p => p.First != p.Second));
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F' })]
    public void What_is_no_elf_file_is_refused(byte[] content) =>
        Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.FindFlags(content, "GLIBCXX_3.4.32"));

    [Theory]
    [InlineData("cpu", "libtorch-cpu-")]
    [InlineData("cuda", "libtorch-cuda-12.8-")]
    public void The_engine_property_chooses_the_package(string engine, string package)
    {
        string name = Evaluate(engine, "EnginePackage", out int exitCode);
        Assert.Equal(0, exitCode);
        Assert.StartsWith(package, name);
        Assert.Contains(engine + "-", Evaluate(engine, "EngineFolder", out _));
    }

    [Fact]
    public void Bf16_is_chosen_only_where_the_processor_has_it()
    {
        Compute auto = Compute.Choose(DeviceChoice.Cpu);
        Assert.Equal(CpuFeatures.Bf16 ? torch.bfloat16 : torch.float32, auto.DType);
        Assert.Equal(torch.float32, Compute.Choose(DeviceChoice.Cpu, Precision.Fp32).DType);
        Assert.Equal(torch.bfloat16, Compute.Choose(DeviceChoice.Cpu, Precision.Bf16).DType);
    }

    [Fact]
    public void Cuda_without_a_gpu_is_refused_with_a_remedy()
    {
        NativeEngine.EnsureLoaded();
        if (torch.cuda.is_available())
            Assert.Skip("this machine has one");
        var refused = Assert.Throws<EngineException>(() => Compute.Choose(DeviceChoice.Cuda));
        Assert.Contains("--device cpu", refused.Message);
    }

    private static string Evaluate(string engine, string property, out int exitCode)
    {
        string project = Path.Combine(Repository.Root, "src", "Coser", "Coser.csproj");
        var start = new ProcessStartInfo(
            "dotnet",
            ["msbuild", project, "-p:Engine=" + engine, "-getProperty:" + property, "-nologo"]
        )
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        exitCode = process.ExitCode;
        return output;
    }
}
