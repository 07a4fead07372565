using System.Text;
using Coser.Client.Contract;
using Coser.Imaging;
using Coser.Jobs.Files;
using Coser.Server.Api;
using Coser.Server.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Coser.Server.Uploads;

/// <summary>A photo that was taken into the store.</summary>
internal sealed record TakenPhoto(string Hash, long Bytes, PhotoHeader Header);

/// <summary>What a request for a job holds, its files already in the store.</summary>
internal sealed record JobForm
{
    public TakenPhoto? Photo { get; init; }

    public string Name { get; init; } = "";

    public TakenPhoto? Reference { get; init; }

    public string? From { get; init; }

    public JobSettings Settings { get; init; } = new();
}

/// <summary>
/// Reads a form as it comes: files go straight to the store, and are refused as soon as they are too long, no photo, or
/// promise too many pixels. Nothing is decoded here.
/// </summary>
internal sealed class UploadReader(ContentStore store, ServerOptions options, AllowedRoot root, ServerMetrics metrics)
{
    private const int LongestBoundary = 100;
    private const int LongestName = 200;
    private const int LongestId = 64;

    /// <exception cref="ApiProblem">The form is broken, or a file is refused.</exception>
    public async Task<JobForm> ReadAsync(HttpRequest request, CancellationToken cancel)
    {
        var reader = new MultipartReader(Boundary(request), request.Body)
        {
            HeadersCountLimit = 8,
            HeadersLengthLimit = 4096,
        };
        var form = new JobForm();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            while (await reader.ReadNextSectionAsync(cancel) is { } section)
            {
                ContentDispositionHeaderValue? disposition = section.GetContentDispositionHeader();
                string field = HeaderUtilities.RemoveQuotes(disposition?.Name ?? "").ToString();
                if (!seen.Add(field))
                    throw ApiProblem.BadRequest($"the field '{Shown(field)}' comes twice. Send one job a request.");
                form = field switch
                {
                    "photo" => await PhotoAsync(form, section, disposition!, cancel),
                    "reference" => form with { Reference = await TakeAsync(section.Body, "the reference", cancel) },
                    "options" => form with
                    {
                        Settings = RequestJson.Parse<JobSettings>(
                            await RequestJson.BytesAsync(section.Body, cancel),
                            "options"
                        ),
                    },
                    "from" => form with { From = await IdAsync(section.Body, cancel) },
                    _ => throw ApiProblem.BadRequest(
                        $"there is no field '{Shown(field)}'. Fields are photo, reference, from and options."
                    ),
                };
            }
            return form;
        }
        // The reader's words for a form that is cut off or malformed.
        catch (Exception e) when (e is InvalidDataException || e is IOException && e is not BadHttpRequestException)
        {
            if (!store.IsWritable())
                throw;
            throw ApiProblem.BadRequest("the form cannot be read: it is cut off or malformed. Send it again.");
        }
    }

    /// <summary>Takes in a photo below the allowed root.</summary>
    /// <exception cref="ApiProblem">It is refused.</exception>
    public async Task<JobForm> ReadPathAsync(string path, JobSettings settings, CancellationToken cancel)
    {
        await using FileStream file = root.Open(path);
        string name = Name(path);
        return new JobForm
        {
            Photo = await TakeAsync(file, name, cancel),
            Name = name,
            Settings = settings,
        };
    }

    private async Task<JobForm> PhotoAsync(
        JobForm form,
        MultipartSection section,
        ContentDispositionHeaderValue disposition,
        CancellationToken cancel
    )
    {
        string given = disposition.FileNameStar is { HasValue: true } star
            ? star.Value!
            : disposition.FileName.Value ?? "";
        string name = Name(HeaderUtilities.RemoveQuotes(given).ToString());
        return form with { Photo = await TakeAsync(section.Body, name, cancel), Name = name };
    }

    private async Task<TakenPhoto> TakeAsync(Stream content, string name, CancellationToken cancel)
    {
        PhotoHeader? header = null;
        try
        {
            StoredFile stored = await store.PutAsync(
                content,
                options.MaxUpload,
                path => header = Inspect(path, name),
                cancel
            );
            metrics.Uploaded(stored.Bytes);
            return new TakenPhoto(stored.Hash, stored.Bytes, header!);
        }
        catch (FileTooLongException)
        {
            throw new ApiProblem(
                StatusCodes.Status413PayloadTooLarge,
                ProblemCode.TooLarge,
                $"{name}: it is larger than {options.MaxUpload} bytes. Send a smaller file, or have the server's owner raise "
                    + "--max-upload."
            );
        }
    }

    private PhotoHeader Inspect(string path, string name)
    {
        PhotoHeader header;
        try
        {
            header = PhotoHeader.Read(path);
        }
        catch (PhotoException e)
        {
            throw new ApiProblem(
                e.IsNoPhoto ? StatusCodes.Status415UnsupportedMediaType : StatusCodes.Status422UnprocessableEntity,
                ProblemCode.NotAnImage,
                $"{name}: {e.Reason}. {e.Remedy}"
            );
        }
        if (header.Pixels > options.MaxPixels)
            throw new ApiProblem(
                StatusCodes.Status413PayloadTooLarge,
                ProblemCode.TooLarge,
                $"{name}: it has {header.Width} x {header.Height} = {header.Pixels} pixels, more than the limit of "
                    + $"{options.MaxPixels}. Send a smaller photo, or have the server's owner raise --max-pixels."
            );
        return header;
    }

    private static async Task<string> IdAsync(Stream body, CancellationToken cancel)
    {
        string id = Encoding.UTF8.GetString(await RequestJson.BytesAsync(body, cancel)).Trim();
        return id.Length <= LongestId ? id : throw ApiProblem.NotFound("the job of 'from'");
    }

    private static string Boundary(HttpRequest request)
    {
        string? boundary = MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)
            ? HeaderUtilities.RemoveQuotes(type.Boundary).Value
            : null;
        return boundary is { Length: > 0 and <= LongestBoundary }
            ? boundary
            : throw ApiProblem.BadRequest(
                "the form has no boundary. Send multipart/form-data as browsers and libraries do."
            );
    }

    // What it is called where it comes from, without folders and without what no file is called.
    private static string Name(string given)
    {
        string name = string.Concat(given.Split('/', '\\')[^1].Where(c => !char.IsControl(c))).Trim();
        if (name.Length > LongestName)
        {
            string extension = Path.GetExtension(name);
            name = extension.Length < 10 ? name[..(LongestName - extension.Length)] + extension : name[..LongestName];
        }
        return name.Length > 0 ? name : "photo";
    }

    private static string Shown(string text) => text.Length <= 40 ? text : text[..40] + "…";
}
