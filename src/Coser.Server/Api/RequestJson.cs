using System.Text.Json;
using Coser.Client.Contract;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Api;

/// <summary>Reads JSON that came over the network: bounded, and no member that is not known.</summary>
internal static class RequestJson
{
    /// <summary>Bytes of a text that is no photo.</summary>
    public const int MaxBytes = 64 << 10;

    /// <exception cref="ApiProblem">It is too long or no such document.</exception>
    public static async Task<T> ReadAsync<T>(HttpRequest request, CancellationToken cancel)
    {
        if (!request.HasJsonContentType())
            throw ApiProblem.BadRequest(
                "the body must be JSON. Send Content-Type: application/json.",
                StatusCodes.Status415UnsupportedMediaType
            );
        return Parse<T>(await BytesAsync(request.Body, cancel), "the body");
    }

    /// <summary>A text of at most <see cref="MaxBytes"/>.</summary>
    /// <exception cref="ApiProblem">It is longer.</exception>
    public static async Task<byte[]> BytesAsync(Stream body, CancellationToken cancel)
    {
        byte[] buffer = new byte[MaxBytes + 1];
        int read = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        return read <= MaxBytes
            ? buffer[..read]
            : throw new ApiProblem(
                StatusCodes.Status413PayloadTooLarge,
                ProblemCode.TooLarge,
                $"a text of the request is longer than {MaxBytes} bytes. Shorten it."
            );
    }

    /// <exception cref="ApiProblem">It is no such document.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> text, string what)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(text, ApiJson.Strict) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            string where = e.Path is { Length: > 1 } path ? $" at {path[2..]}" : "";
            throw ApiProblem.BadOption(
                what,
                $"it cannot be read{where}: a member is unknown, of another type, or has a value that is not one of its names",
                "/api lists the options and their values."
            );
        }
    }
}
