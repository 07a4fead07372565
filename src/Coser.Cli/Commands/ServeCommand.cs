using System.CommandLine;
using System.Net;
using Coser.Checkpoints;
using Coser.Cli.Help;
using Coser.Cli.Upscaling;
using Coser.Cli.Working;
using Coser.Engine;
using Coser.Jobs.Model;
using Coser.Jobs.Work;
using Coser.Server;
using Coser.Server.Access;
using Microsoft.Extensions.Logging;

namespace Coser.Cli.Commands;

/// <summary><c>coser serve</c></summary>
internal sealed class ServeCommand
{
    private const int LeastThreads = 32;
    private readonly JobPlace _place = new();
    private readonly Option<int?> _port = Choice.Number<int>(
        "--port",
        "Port to listen on; 0 takes a free one.",
        p => p is >= 0 and <= 65535,
        "be from 0 to 65535"
    );
    private readonly Option<string> _listen = new("--listen")
    {
        Description = "Address to listen on, 0.0.0.0 for all of this machine's. Others than this machine need keys.",
        HelpName = "address",
    };
    private readonly Option<string[]> _host = new("--host")
    {
        Description =
            "A name this server is called by, beside localhost and the machine's. May be given several times.",
        HelpName = "name",
    };
    private readonly Option<string> _keys = KeysOption();
    private readonly Option<string> _root = new("--root")
    {
        Description = "A folder whose photos callers may name by path, instead of sending them.",
        HelpName = "folder",
    };
    private readonly Option<double?> _maxUpload = Choice.Number<double>(
        "--max-upload",
        "Largest file that is taken in, in MiB.",
        m => m is > 0 and <= 100_000,
        "be above 0 and at most 100000"
    );
    private readonly Option<long?> _maxPixels = Choice.Number<long>(
        "--max-pixels",
        "Largest photo that is taken in, in pixels.",
        p => p >= 1,
        "be at least 1"
    );
    private readonly Option<int?> _maxQueue = Choice.Number<int>(
        "--max-queue",
        "Most photos that wait or run at once, batches left out.",
        q => q >= 1,
        "be at least 1"
    );
    private readonly Option<int?> _rate = Choice.Number<int>(
        "--rate",
        "Requests a second that a caller may send for long.",
        r => r >= 1,
        "be at least 1"
    );
    private readonly Option<bool> _noWorker = new("--no-worker")
    {
        Description = "Only page and API: workers ('coser worker') are elsewhere.",
    };
    private readonly Option<string> _model = new("--model")
    {
        Description = "The model that is taken when a photo comes without one.",
        HelpName = "name",
    };
    private readonly Option<DeviceChoice> _device = Choice.Of<DeviceChoice>("--device", "Where the worker computes.");
    private readonly Option<int?> _threads = RestoreSwitches.Threads();
    private readonly Option<string> _page = new("--page") { Hidden = true };

    public static Command Create(CliHost host, HelpPages help)
    {
        var options = new ServeCommand();
        var command = new Command(
            "serve",
            "Serves a web page to drop photos on and an HTTP API, and restores what comes in.\n\n"
                + "For this machine alone unless --listen says otherwise. Ctrl+C ends it; the running job is put away and gone on "
                + "with later."
        );
        help.Group(command, "Server", options._port, options._listen, options._host, options._keys, options._root);
        options._place.AddTo(command, help);
        help.Group(command, "Limits", options._maxUpload, options._maxPixels, options._maxQueue, options._rate);
        help.Group(command, "Worker", options._noWorker, options._model, options._device, options._threads);
        command.Add(options._page);
        (options._port.HelpName, options._maxUpload.HelpName, options._maxPixels.HelpName) = ("port", "MiB", "pixels");
        (options._maxQueue.HelpName, options._rate.HelpName) = ("count", "count");
        help.Default(options._port, $"{ServerOptions.DefaultPort}");
        help.Default(options._listen, "this machine alone");
        help.Default(options._keys, "a file of this user");
        help.Default(options._root, "none");
        help.Default(options._maxUpload, $"{ServerOptions.DefaultMaxUpload >> 20}");
        help.Default(options._maxPixels, $"{ServerOptions.DefaultMaxPixels}");
        help.Default(options._maxQueue, $"{ServerOptions.DefaultMaxQueue}");
        help.Default(options._rate, $"{ServerOptions.DefaultRequestsPerSecond}");
        help.Default(options._model, UpscaleCommand.DefaultModel);
        help.Default(options._threads, "all cores");
        help.Examples(
            command,
            ("coser serve", "this machine: http://localhost:5210"),
            ("coser serve keys add anna --role admin", "a key, before others are let in"),
            ("coser serve --listen 0.0.0.0", "for the network"),
            ("coser serve --no-worker --store /mnt/coser", "a front for workers")
        );
        command.Add(KeysCommand.Create(host, help));
        help.CommandIsOptional(command);
        command.SetAction((parsed, _) => options.RunAsync(host, parsed));
        return command;
    }

    /// <summary>Where keys are kept, in the same words everywhere.</summary>
    public static Option<string> KeysOption() =>
        new("--keys") { Description = "File of the keys that callers need.", HelpName = "file" };

    /// <summary>The file of keys that is meant.</summary>
    public static string KeysFile(CliHost host, ParseResult parsed, Option<string> option) =>
        parsed.GetValue(option) is { } file ? Path.GetFullPath(file, host.WorkingFolder) : KeyRing.DefaultFile;

    private async Task<int> RunAsync(CliHost host, ParseResult parsed)
    {
        // SQLite and disks hold their threads: with as many as processors, reads would wait for uploads.
        ThreadPool.SetMinThreads(LeastThreads, LeastThreads);
        IPAddress? listen = Address(parsed.GetValue(_listen));
        await using OpenJobs jobs = await _place.OpenAsync(host, parsed);
        var settings = new ServerOptions
        {
            Database = jobs.Address,
            Ledger = jobs.Queue,
            Store = jobs.Store,
            Listen = listen,
            Port = parsed.GetValue(_port) ?? ServerOptions.DefaultPort,
            Hosts = parsed.GetValue(_host) ?? [],
            KeysFile = KeysFile(host, parsed, _keys),
            Root = parsed.GetValue(_root) is { } root ? Path.GetFullPath(root, host.WorkingFolder) : null,
            DefaultModel = parsed.GetValue(_model) ?? UpscaleCommand.DefaultModel,
            Version = BuildInfo.Commit is { } commit ? $"{BuildInfo.Version}+{commit}" : BuildInfo.Version,
            Worker = parsed.GetValue(_noWorker) ? null : Worker(host, parsed),
            Log = (level, line) => Log(host, level, line),
            MaxUpload = parsed.GetValue(_maxUpload) is { } mega
                ? (long)(mega * (1 << 20))
                : ServerOptions.DefaultMaxUpload,
            MaxPixels = parsed.GetValue(_maxPixels) ?? ServerOptions.DefaultMaxPixels,
            MaxQueue = parsed.GetValue(_maxQueue) ?? ServerOptions.DefaultMaxQueue,
            RequestsPerSecond = parsed.GetValue(_rate) ?? ServerOptions.DefaultRequestsPerSecond,
        };
        if (parsed.GetValue(_page) is { } page)
            settings = settings with { PageFolder = Path.GetFullPath(page, host.WorkingFolder) };
        await CoserServer.RunAsync(settings, server => Begin(host, jobs, settings, server), host.Cancel);
        host.Out.WriteLine("ended");
        return ExitCode.Cancelled;
    }

    private WorkerOptions Worker(CliHost host, ParseResult parsed)
    {
        DeviceChoice device = parsed.GetValue(_device);
        if (device == DeviceChoice.Cuda)
            Compute.Choose(DeviceChoice.Cuda, Precision.Auto); // throws where there is none
        return new WorkerOptions
        {
            Child = host.Child,
            Queues = [ComputeNames.Resolve(device, Precision.Auto).Device, JobQueues.Any],
            Models = [.. ModelDirectory.Available().Select(f => Path.GetFileName(f))],
            Threads = parsed.GetValue(_threads),
            // Somebody is looking.
            Poll = TimeSpan.FromMilliseconds(300),
            Report = TimeSpan.FromMilliseconds(500),
        };
    }

    private static void Begin(CliHost host, OpenJobs jobs, ServerOptions settings, CoserServer server)
    {
        foreach (Uri address in server.Addresses)
            host.Out.WriteLine(
                $"page  {address.AbsoluteUri.TrimEnd('/').Replace("127.0.0.1", "localhost", StringComparison.Ordinal)}"
            );
        host.Out.WriteLine($"jobs  {jobs.Address.Shown}, files in {jobs.Store.Folder}");
        host.Out.WriteLine(
            settings.Worker is { } worker ? $"work  here, on {worker.Queues[0]}" : "work  elsewhere ('coser worker')"
        );
        host.Out.Flush();
    }

    private static void Log(CliHost host, LogLevel level, string line)
    {
        lock (host.Out)
        {
            if (level >= LogLevel.Warning)
                host.Complain(line);
            else
                host.Out.WriteLine(line);
            host.Out.Flush();
        }
    }

    private static IPAddress? Address(string? text)
    {
        if (text is null or "localhost")
            return null;
        return IPAddress.TryParse(text, out IPAddress? address)
            ? address
            : throw new UsageException(
                $"--listen must be an address of this machine in digits, such as 0.0.0.0 for all of them, not '{text}'."
            );
    }
}
