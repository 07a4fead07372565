using System.Text.Json;
using Coser.Checkpoints;
using static TorchSharp.torch;

namespace Coser.Training.Runs;

/// <summary>Writes trained networks into a model directory.</summary>
public static class ModelExport
{
    /// <summary>Writes each component as float16, then names it in model.json; other components stay as they are.</summary>
    /// <remarks>A folder that comes with a component replaces the model's of the same name.</remarks>
    /// <param name="provenance">How the weights came to be; stored by component.</param>
    public static void Write(IReadOnlyList<TrainedComponent> components, string modelFolder, JsonElement provenance)
    {
        Directory.CreateDirectory(modelFolder);
        foreach (TrainedComponent component in components)
        {
            using var scope = NewDisposeScope();
            string file = component.Role + ".safetensors";
            var half = component.Weights.ToDictionary(w => w.Key, w => w.Value.to(float16), StringComparer.Ordinal);
            SafetensorsWriter.Write(Path.Combine(modelFolder, file), half);
            foreach ((string from, string name) in component.Folders)
                Copy(from, Path.Combine(modelFolder, name));
            ModelManifestEditor.SetComponent(
                modelFolder,
                component.Role,
                new ComponentManifest
                {
                    Kind = component.Kind,
                    File = file,
                    Config = component.Config,
                },
                provenance
            );
        }
    }

    private static void Copy(string from, string to)
    {
        if (Path.GetFullPath(from) == Path.GetFullPath(to))
            return;
        string partial = to + ".partial";
        if (Directory.Exists(partial))
            Directory.Delete(partial, recursive: true);
        Directory.CreateDirectory(partial);
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(partial, Path.GetFileName(file)));
        if (Directory.Exists(to))
            Directory.Delete(to, recursive: true);
        Directory.Move(partial, to);
    }
}
