// Stand-ins for classes that other branches bring; this file goes when they are merged.
#pragma warning disable CS1591, CA1822, CA1065, MA0012, CA1815
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Imaging;

namespace Coser.Imaging
{
    public sealed class PhotoException(string path, string reason, string remedy, Exception? inner = null)
        : Exception($"{path}: {reason}. {remedy}", inner);

    public enum PhotoFormat
    {
        Jpeg,
        Png,
        WebP,
        Tiff,
        Avif,
    }

    public static class PhotoFormats
    {
        public static PhotoFormat? FromExtension(string path) =>
            Path.GetExtension(path).ToUpperInvariant() switch
            {
                ".JPG" or ".JPEG" => PhotoFormat.Jpeg,
                ".PNG" => PhotoFormat.Png,
                ".WEBP" => PhotoFormat.WebP,
                ".TIF" or ".TIFF" => PhotoFormat.Tiff,
                ".AVIF" => PhotoFormat.Avif,
                _ => null,
            };

        public static string Extension(PhotoFormat f) =>
            f switch
            {
                PhotoFormat.Jpeg => ".jpg",
                PhotoFormat.Png => ".png",
                PhotoFormat.WebP => ".webp",
                PhotoFormat.Tiff => ".tiff",
                _ => ".avif",
            };

        public static bool TryParse(string name, out PhotoFormat format)
        {
            PhotoFormat? found = FromExtension("x." + name);
            format = found ?? default;
            return found is not null;
        }
    }

    public static class PhotoRecord
    {
        public static string? Read(string path) => null;
    }
}

namespace Coser.Checkpoints
{
    public sealed record ModelComponent(
        string Role,
        string Kind,
        string File,
        long Parameters,
        long Bytes,
        string DType
    );

    public sealed class ModelDirectory : IDisposable
    {
        private ModelDirectory() { }

        public string Folder => "";
        public string Name => "";
        public string Description => "";
        public string Licence => "";
        public string Hash => "";
        public int Scale => 4;
        public IReadOnlyList<ModelComponent> Components => [];
        public bool IsPreSrOnly => true;

        public static ModelDirectory Open(string folder) =>
            throw new CheckpointException(folder, "it has no model.json");

        public static string Find(string nameOrPath) =>
            Directory.Exists(nameOrPath)
                ? nameOrPath
                : throw new CheckpointException(nameOrPath, "there is no model of that name");

        public static IReadOnlyList<string> Available() => [];

        public void Dispose() { }
    }
}

namespace Coser.Restoration
{
    public sealed class RestorationException(string message) : Exception(message);

    public sealed class SuperResolver(ModelDirectory model, Compute compute) : IDisposable
    {
        public RestoredPhoto Restore(
            Photo photo,
            RestoreOptions options,
            IProgress<RestoreProgress>? progress = null,
            CancellationToken cancel = default
        ) => throw new NotSupportedException($"{model.Name} {compute}");

        public void Dispose() { }
    }
}
