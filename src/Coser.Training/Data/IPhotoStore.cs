namespace Coser.Training.Data;

/// <summary>Where the files of a data set are. Called from several threads at once.</summary>
internal interface IPhotoStore
{
    /// <summary>What messages call a photo.</summary>
    string NameOf(PhotoEntry entry);

    /// <summary>Its file, when it is one of its own.</summary>
    string? PathOf(PhotoEntry entry);

    /// <summary>Its encoded bytes.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    byte[] Read(PhotoEntry entry);
}

/// <summary>A file a photo, below one folder.</summary>
internal sealed class FolderStore(string photos) : IPhotoStore
{
    public string NameOf(PhotoEntry entry) => Path.Combine(photos, entry.File);

    public string PathOf(PhotoEntry entry) => Path.Combine(photos, entry.File);

    public byte[] Read(PhotoEntry entry) => File.ReadAllBytes(PathOf(entry));
}
