using Coser.Imaging;
using Coser.Training.Data;

namespace Coser.Training.Captions;

/// <summary>What a run of captioning has done.</summary>
/// <param name="Described">Photos written in this run.</param>
/// <param name="Skipped">Photos that were there already.</param>
/// <param name="Captions">Captions written in this run.</param>
/// <param name="Dropped">Captions the filter dropped.</param>
/// <param name="Failed">Photos without captions.</param>
public sealed record CaptionTotals(int Described, int Skipped, int Captions, int Dropped, int Failed);

/// <summary>Describes the photos of a data set, on some threads, into one file that can be gone on with.</summary>
/// <param name="filter">Drops captions; null: none.</param>
/// <param name="workers">Threads.</param>
public sealed class CaptionRun(ICaptionSource source, ClipCaptionFilter? filter, int workers)
{
    /// <summary>Failed photos in a row after which the run gives up: the source itself is broken.</summary>
    public const int MaxFailuresInARow = 5;

    private readonly record struct Answer(IReadOnlyList<string>? Captions, int Dropped, string? Failure);

    /// <summary>Describes the photos the file lacks, in the order of the index.</summary>
    /// <param name="failed">Gets a line for each photo that failed.</param>
    /// <param name="progress">Gets the number of photos done, the skipped ones included.</param>
    /// <exception cref="InvalidDataException">The file is something else, or too many photos in a row failed.</exception>
    /// <exception cref="OperationCanceledException">What is written stays.</exception>
    public CaptionTotals Run(
        PhotoIndex data,
        string output,
        Action<string>? failed,
        Action<int>? progress,
        CancellationToken cancel
    )
    {
        using var log = new CaptionLog(output);
        PhotoEntry[] left = [.. data.Entries.Where(p => !log.Contains(p.File))];
        var totals = new CaptionTotals(0, data.Entries.Count - left.Length, 0, 0, 0);
        int inARow = 0;
        foreach (PhotoEntry[] chunk in left.Chunk(4 * workers))
        {
            foreach ((PhotoEntry photo, Answer answer) in chunk.Zip(Describe(data, chunk, cancel)))
            {
                if (answer.Captions is null)
                {
                    failed?.Invoke(answer.Failure!);
                    totals = totals with { Failed = totals.Failed + 1 };
                    if (++inARow >= MaxFailuresInARow)
                        throw new InvalidDataException(
                            $"{output}: {inARow} photos in a row failed, the last with: {answer.Failure} What is written "
                                + "stays; the same command goes on from there."
                        );
                    continue;
                }
                inARow = 0;
                log.Append(new PhotoCaptions(photo.File, answer.Captions));
                totals = totals with
                {
                    Described = totals.Described + 1,
                    Captions = totals.Captions + answer.Captions.Count,
                    Dropped = totals.Dropped + answer.Dropped,
                };
            }
            progress?.Invoke(totals.Skipped + totals.Described + totals.Failed);
        }
        return totals;
    }

    private Answer[] Describe(PhotoIndex data, PhotoEntry[] photos, CancellationToken cancel)
    {
        var answers = new Answer[photos.Length];
        var options = new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancel };
        try
        {
            Parallel.For(0, photos.Length, options, i => answers[i] = One(data, photos[i], cancel));
        }
        catch (AggregateException e)
            when (cancel.IsCancellationRequested && e.InnerExceptions.All(x => x is OperationCanceledException))
        {
            throw new OperationCanceledException(e.Message, e, cancel);
        }
        return answers;
    }

    private Answer One(PhotoIndex data, PhotoEntry photo, CancellationToken cancel)
    {
        PhotoFile? file = null;
        try
        {
            file = data.AsFile(photo);
            string path = file.Path;
            IReadOnlyList<string> captions = source.Describe(path, photo, cancel);
            if (filter is null)
                return new Answer(captions, 0, null);
            IReadOnlyList<string> kept = filter.Keep(path, captions);
            return new Answer(kept, captions.Count - kept.Count, null);
        }
        catch (Exception e) when (e is CaptionException or PhotoException)
        {
            // A copy's own name says nothing.
            return new Answer(null, 0, file is null ? e.Message : e.Message.Replace(file.Path, data.NameOf(photo)));
        }
        finally
        {
            file?.Dispose();
        }
    }
}
