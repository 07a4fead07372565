using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Coser.Engine;

/// <summary>
/// Finds and loads libtorch. Looked at, in this order: the folder named by <c>COSER_ENGINE</c>, <c>engine/</c> beside the
/// program (a published program), the folder staged by the build, and last whatever TorchSharp finds by itself.
/// </summary>
public static partial class NativeEngine
{
    private const string FolderOption = "Coser.Engine.Folder";
    private static readonly Lock Gate = new();
    private static bool _loaded;

    /// <summary>Folder the engine was loaded from; null when TorchSharp's own search found it.</summary>
    public static string? Folder { get; private set; }

    /// <summary>False when the engine at hand is a CPU build, which is known from its files, without loading it.</summary>
    public static bool MayHaveCuda =>
        FindFolder() is not { } folder || File.Exists(Path.Combine(folder, CudaLibraryName));

    /// <summary>Loads the engine; repeated calls cost nothing.</summary>
    /// <exception cref="EngineException">The engine is missing or this system cannot load it.</exception>
    public static void EnsureLoaded()
    {
        lock (Gate)
        {
            if (_loaded)
                return;
            Folder = FindFolder();
            if (Folder is not null)
                Preload(Folder);
            try
            {
                torch.InitializeDeviceType(DeviceType.CPU);
            }
            catch (Exception e) when (e is NotSupportedException or TypeInitializationException or DllNotFoundException)
            {
                throw new EngineException(
                    "The native engine (libtorch) was not found. Build the project once with 'dotnet build', or set "
                        + "COSER_ENGINE to the folder that holds libLibTorchSharp.",
                    e
                );
            }
            _loaded = true;
        }
    }

    // Every class of this assembly may touch a tensor, so the engine's way in is laid before the first of them runs.
    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Usage",
        "CA2255",
        Justification = "TorchSharp loads its library on first use, wherever that is."
    )]
    internal static void Register()
    {
        NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, Resolve);
        NativeLibrary.SetDllImportResolver(typeof(NativeEngine).Assembly, Resolve);
    }

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == "LibTorchSharp" && FindFolder() is { } folder ? Preload(folder) : IntPtr.Zero;

    private static string? FindFolder()
    {
        string?[] candidates =
        [
            Environment.GetEnvironmentVariable("COSER_ENGINE"),
            Path.Combine(AppContext.BaseDirectory, "engine"),
            AppContext.GetData(FolderOption) as string,
        ];
        return candidates.FirstOrDefault(c => !string.IsNullOrEmpty(c) && File.Exists(Path.Combine(c, LibraryName)));
    }

    private static string LibraryName =>
        OperatingSystem.IsWindows() ? "LibTorchSharp.dll"
        : OperatingSystem.IsMacOS() ? "libLibTorchSharp.dylib"
        : "libLibTorchSharp.so";

    private static string CudaLibraryName => OperatingSystem.IsWindows() ? "torch_cuda.dll" : "libtorch_cuda.so";

    // Read by libtorch when it is loaded; what the user has set stays. .NET's own copy of the environment does not reach it.
    private static void SetOptions()
    {
        if (OperatingSystem.IsWindows())
            return;
        // There the exponentials of 16 numbers take far longer than two of 8 (docs/speed.md): a training of the decoder, full
        // of swish, ran at 0.45 instead of 0.75 steps a second. Matrix products and convolutions choose for themselves.
        if (CpuFeatures.IsZen5)
            _ = SetEnvironment("ATEN_CPU_CAPABILITY", "avx2", overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    // libtorch leaves small float32 convolutions to it, and where it cannot start, each of them says so on standard error. There
    // is no switch but this method, which a program in C++ would call; a build without it keeps NNPACK.
    private static unsafe void DisableNnpack(string folder)
    {
        if (
            OperatingSystem.IsLinux()
            && NativeLibrary.TryLoad(Path.Combine(folder, "libtorch_cpu.so"), out IntPtr torchCpu)
            && NativeLibrary.TryGetExport(torchCpu, "_ZN2at13globalContextEv", out IntPtr context)
            && NativeLibrary.TryGetExport(torchCpu, "_ZN2at7Context20setUserEnabledNNPACKEb", out IntPtr enable)
        )
            ((delegate* unmanaged<IntPtr, byte, void>)enable)(((delegate* unmanaged<IntPtr>)context)(), 0);
    }

    // Once loaded by its full path, the library also answers to its bare name (SONAME), which TorchSharp asks for.
    private static IntPtr Preload(string folder)
    {
        string path = Path.Combine(folder, LibraryName);
        try
        {
            SetOptions();
            // torch_cuda registers itself when loaded; nothing refers to it, so it has to be loaded by hand.
            string cuda = Path.Combine(folder, CudaLibraryName);
            if (File.Exists(cuda))
                NativeLibrary.TryLoad(cuda, out _);
            IntPtr loaded = NativeLibrary.Load(path);
            DisableNnpack(folder);
            return loaded;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new EngineException($"{path} cannot be loaded on this system: {e.Message}", e);
        }
    }
}

/// <summary>The native engine cannot be used; the message says what to do.</summary>
public sealed class EngineException(string message, Exception? inner = null) : Exception(message, inner);
