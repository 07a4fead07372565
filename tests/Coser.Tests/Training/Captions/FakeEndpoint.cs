using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Coser.Tests.Training.Captions;

/// <summary>A chat endpoint in this process: answers what it is told to, in order, and keeps what it was asked.</summary>
internal sealed class FakeEndpoint : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Queue<(int Status, string Body)> _answers;
    private readonly Thread _thread;

    public FakeEndpoint(params (int Status, string Body)[] answers)
    {
        _answers = new Queue<(int, string)>(answers);
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/v1");
        }
        _listener.Prefixes.Add(Address.GetLeftPart(UriPartial.Authority) + "/");
        _listener.Start();
        _thread = new Thread(Serve) { IsBackground = true };
        _thread.Start();
    }

    public Uri Address { get; }

    public List<(string Path, string? Key, JsonElement Body)> Requests { get; } = [];

    /// <summary>An answer of the usual form.</summary>
    public static (int, string) Says(string content) =>
        (200, JsonSerializer.Serialize(new { choices = new[] { new { message = new { content } } } }));

    public void Dispose()
    {
        _listener.Close();
        _thread.Join();
    }

    private void Serve()
    {
        try
        {
            while (true)
                Answer(_listener.GetContext());
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // Closed.
        }
    }

    private void Answer(HttpListenerContext context)
    {
        using var reader = new StreamReader(context.Request.InputStream, Encoding.UTF8);
        JsonElement body = JsonDocument.Parse(reader.ReadToEnd()).RootElement.Clone();
        Requests.Add((context.Request.Url!.AbsolutePath, context.Request.Headers["Authorization"], body));
        (int status, string text) = _answers.Count > 0 ? _answers.Dequeue() : (500, "no more answers");
        if (status == 0) // silence, until the caller gives up
        {
            Thread.Sleep(1500);
            context.Response.Abort();
            return;
        }
        context.Response.StatusCode = status;
        context.Response.Close(Encoding.UTF8.GetBytes(text), willBlock: true);
    }
}
