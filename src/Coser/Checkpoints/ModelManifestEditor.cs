using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coser.Checkpoints;

/// <summary>Changes one component of a <c>model.json</c>, leaving the rest of it alone.</summary>
public static class ModelManifestEditor
{
    /// <summary>Sets a component and its provenance; makes the manifest, named after the folder, where there is none.</summary>
    /// <param name="provenance">Stored under <c>provenance</c>, by the component's role.</param>
    public static void SetComponent(string folder, string role, ComponentManifest component, JsonElement provenance)
    {
        string path = Path.Combine(folder, "model.json");
        JsonObject manifest = File.Exists(path)
            ? JsonNode.Parse(File.ReadAllText(path))!.AsObject()
            : new JsonObject
            {
                ["format"] = ModelManifest.CurrentFormat,
                ["name"] = Path.GetFileName(Path.GetFullPath(folder)),
                ["components"] = new JsonObject(),
            };
        manifest["components"]![role] = JsonSerializer.SerializeToNode(component, CoserJson.Strict);
        JsonObject origins = manifest["provenance"]?.AsObject() ?? [];
        origins[role] = JsonNode.Parse(provenance.GetRawText());
        manifest["provenance"] = origins;
        string temporary = path + ".tmp";
        File.WriteAllText(temporary, manifest.ToJsonString(CoserJson.Strict) + "\n");
        File.Move(temporary, path, overwrite: true);
    }
}
