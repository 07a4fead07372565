using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Coser.Client.Contract;
using Coser.Jobs.Model;

namespace Coser.Server.Access;

/// <summary>A key as it is kept: without the key.</summary>
/// <param name="Name">Whose it is; jobs belong to this name.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Hash">SHA-256 of the key, hexadecimal. Keys are 256 random bits, so that nothing slower is needed.</param>
/// <param name="Created">When it was made.</param>
public sealed record ApiKey(string Name, RoleName Role, string Hash, DateTimeOffset Created);

/// <summary>The API keys in a file that only its owner can read. Changes of the file hold within a second.</summary>
public sealed partial class KeyRing
{
    private const string Prefix = "coser_";
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private readonly string? _file;
    private readonly Lock _gate = new();
    private ApiKey[] _keys = [];
    private (DateTime Written, long Length) _read;
    private long _looked;
    private bool _required;

    private KeyRing(string? file)
    {
        _file = file;
        Read();
    }

    /// <summary>Where keys are when no other file is named.</summary>
    public static string DefaultFile =>
        Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData),
            "coser",
            "serve",
            "keys.json"
        );

    /// <summary>The file; null: there is none, and no keys.</summary>
    public string? File => _file;

    /// <summary>Whether there are any.</summary>
    public bool HasKeys => Keys.Count > 0;

    /// <summary>Whether callers need one. Once they did, they do until the server ends, whatever becomes of the file.</summary>
    public bool AreRequired => _required |= HasKeys;

    /// <summary>The keys, by name.</summary>
    public IReadOnlyList<ApiKey> Keys
    {
        get
        {
            Refresh();
            return _keys;
        }
    }

    /// <summary>Opens a file of keys, which need not exist.</summary>
    /// <exception cref="JobsException">It cannot be read, or holds something else.</exception>
    public static KeyRing Open(string? file) => new(file is null ? null : Path.GetFullPath(file));

    /// <summary>The key that was presented; null: there is none like it. Takes as long for every wrong one.</summary>
    public ApiKey? Find(string presented)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(presented));
        ApiKey? found = null;
        foreach (ApiKey key in Keys)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, Convert.FromHexString(key.Hash)))
                found = key;
        }
        return found;
    }

    /// <summary>Makes a key.</summary>
    /// <param name="name">1 to 64 letters, digits, dots, dashes and underscores.</param>
    /// <returns>The key, which is not kept anywhere.</returns>
    /// <exception cref="JobsException">The name is taken or not of that kind, or the file cannot be written.</exception>
    public string Add(string name, RoleName role)
    {
        if (!NamePattern().IsMatch(name))
            throw new JobsException(
                name,
                "this is no name for a key",
                "Use 1 to 64 letters, digits, dots, dashes and underscores."
            );
        if (Keys.Any(k => k.Name == name))
            throw new JobsException(
                name,
                "there is a key of this name",
                $"Choose another name, or remove that one with 'coser serve keys remove {name}'."
            );
        string key = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        Write([.. _keys, new ApiKey(name, role, hash, DateTimeOffset.UtcNow)]);
        return key;
    }

    /// <summary>Takes a key away; whoever is signed in with it is signed out.</summary>
    /// <returns>False: there is none of this name.</returns>
    /// <exception cref="JobsException">The file cannot be written.</exception>
    public bool Remove(string name)
    {
        ApiKey[] rest = [.. Keys.Where(k => k.Name != name)];
        if (rest.Length == _keys.Length)
            return false;
        Write(rest);
        return true;
    }

    private void Refresh()
    {
        lock (_gate)
        {
            if (_file is null || TimeProvider.System.GetElapsedTime(_looked) < Look)
                return;
            // A file that is being replaced or has become unreadable leaves the keys as they were.
            try
            {
                Read();
            }
            catch (JobsException)
            {
                _looked = TimeProvider.System.GetTimestamp();
            }
        }
    }

    private void Read()
    {
        _looked = TimeProvider.System.GetTimestamp();
        if (_file is null)
            return;
        try
        {
            var info = new FileInfo(_file);
            if (!info.Exists)
            {
                (_keys, _read) = ([], default);
                return;
            }
            if (_read == (info.LastWriteTimeUtc, info.Length))
                return;
            _keys = JsonSerializer.Deserialize<ApiKey[]>(System.IO.File.ReadAllText(_file), ApiJson.Strict) ?? [];
            if (_keys.Any(k => k.Hash is not { Length: 64 } || !k.Hash.All(char.IsAsciiHexDigit)))
                throw new JsonException("a hash is no SHA-256");
            _read = (info.LastWriteTimeUtc, info.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new JobsException(
                _file,
                $"the keys cannot be read ({e.Message})",
                "Check the file's permissions, or name another with --keys.",
                e
            );
        }
    }

    private void Write(ApiKey[] keys)
    {
        if (_file is null)
            throw new InvalidOperationException("there is no file to keep keys in");
        string partial = $"{_file}.{Guid.NewGuid():n}.partial";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var stream = new FileStream(partial, options))
                JsonSerializer.Serialize(stream, keys, ApiJson.Options);
            System.IO.File.Move(partial, _file, overwrite: true);
            lock (_gate)
            {
                _read = default;
                Read();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new JobsException(
                _file,
                $"the keys cannot be written ({e.Message})",
                "Check the folder's permissions, or name another file with --keys.",
                e
            );
        }
        finally
        {
            System.IO.File.Delete(partial);
        }
    }

    [GeneratedRegex("^[A-Za-z0-9._-]{1,64}$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamePattern();
}
