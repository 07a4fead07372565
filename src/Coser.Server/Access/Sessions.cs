using System.Security.Cryptography;
using System.Text;
using Coser.Jobs.Model;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Access;

/// <summary>
/// Signed-in browsers: a cookie, encrypted and signed, says which key was shown and until when it holds. It is worth nothing
/// once the key is gone, and survives a restart of the server.
/// </summary>
internal sealed class Sessions
{
    public const string Cookie = "coser_session";
    private static readonly TimeSpan Length = TimeSpan.FromDays(14);
    private readonly KeyRing _keys;
    private readonly ITimeLimitedDataProtector _protector;

    public Sessions(KeyRing keys)
    {
        _keys = keys;
        IDataProtectionProvider provider =
            keys.File is { } file && keys.HasKeys
                ? DataProtectionProvider.Create(Folder(file + ".sessions"))
                : new EphemeralDataProtectionProvider();
        _protector = provider.CreateProtector("Coser.Server.Sessions").ToTimeLimitedDataProtector();
    }

    /// <summary>Signs the browser in.</summary>
    public void Begin(HttpContext context, ApiKey key) =>
        context.Response.Cookies.Append(Cookie, _protector.Protect($"{key.Name} {key.Hash}", Length), Options(context));

    /// <summary>Signs it out.</summary>
    public static void End(HttpContext context) => context.Response.Cookies.Delete(Cookie, Options(context));

    /// <summary>The key a browser has signed in with; null: none, or none that still holds.</summary>
    public ApiKey? Find(HttpRequest request)
    {
        if (!request.Cookies.TryGetValue(Cookie, out string? cookie))
            return null;
        try
        {
            string[] parts = _protector.Unprotect(cookie).Split(' ');
            return _keys.Keys.FirstOrDefault(k =>
                k.Name == parts[0]
                && CryptographicOperations.FixedTimeEquals(
                    Encoding.UTF8.GetBytes(k.Hash),
                    Encoding.UTF8.GetBytes(parts[1])
                )
            );
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static CookieOptions Options(HttpContext context) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Secure = context.Request.IsHttps,
            Path = "/",
            MaxAge = Length,
            IsEssential = true,
        };

    private static DirectoryInfo Folder(string path)
    {
        try
        {
            return OperatingSystem.IsWindows()
                ? Directory.CreateDirectory(path)
                : Directory.CreateDirectory(
                    path,
                    UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new JobsException(
                path,
                $"the folder of session keys cannot be made ({e.Message})",
                "Put the file of keys (--keys) where this user may write.",
                e
            );
        }
    }
}
