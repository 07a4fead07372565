using Coser.Training.Degradation;
using Coser.Training.Runs;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>Fixed pairs of LR and HR images for validation and for tables, made from seeds.</summary>
public static class DegradedSet
{
    /// <summary>
    /// Writes <c>hr/NAME.png</c> and <c>lr/NAME.png</c> for every photo: HR cut to a multiple of the scale, LR degraded by
    /// the seed and the photo's number. The same arguments give the same pixels.
    /// </summary>
    /// <param name="progress">Called with photos done.</param>
    public static void Write(
        PhotoIndex index,
        IReadOnlyList<PhotoEntry> photos,
        DegradationSettings settings,
        ulong seed,
        string folder,
        Action<int>? progress,
        CancellationToken cancel
    )
    {
        string hrFolder = Directory.CreateDirectory(Path.Combine(folder, "hr")).FullName;
        string lrFolder = Directory.CreateDirectory(Path.Combine(folder, "lr")).FullName;
        var degradation = new SecondOrderDegradation();
        for (int i = 0; i < photos.Count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Tensor hr = TrainingPhoto.LoadForDegradation(index, photos[i], settings.Scale);
            Tensor lr = degradation.DegradeWhole(hr, seed + (ulong)i, settings);
            string name = Path.ChangeExtension(photos[i].File.Replace('/', '_'), ".png");
            SampleGrid.Save(hr.squeeze(0), Path.Combine(hrFolder, name));
            SampleGrid.Save(lr.squeeze(0), Path.Combine(lrFolder, name));
            progress?.Invoke(i + 1);
        }
    }
}
