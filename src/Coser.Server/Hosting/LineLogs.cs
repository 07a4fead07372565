using Microsoft.Extensions.Logging;

namespace Coser.Server.Hosting;

/// <summary>The log as lines. Requests are not in it, and neither are names, prompts or anything else of a photo.</summary>
internal sealed class LineLogs(Action<LogLevel, string> write) : ILoggerProvider
{
    private const string Own = "Coser.Server";

    /// <summary>News of our own; of the frameworks, what is wrong.</summary>
    public static void Filter(ILoggingBuilder logging)
    {
        logging.SetMinimumLevel(LogLevel.Warning);
        logging.AddFilter(Own, LogLevel.Information);
        // Its messages hold those of exceptions, which may hold a photo's name: we log exceptions without their words.
        logging.AddFilter("Microsoft.AspNetCore.Diagnostics", LogLevel.None);
        logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        logging.AddFilter("Hangfire", LogLevel.Error);
    }

    public ILogger CreateLogger(string categoryName) => new Lines(categoryName, write);

    public void Dispose() { }

    private sealed class Lines(string category, Action<LogLevel, string> write) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            string text = formatter(state, exception);
            if (exception is not null)
                text += $" ({exception.GetType().Name})";
            write(logLevel, category.StartsWith(Own, StringComparison.Ordinal) ? text : $"{category}: {text}");
        }
    }
}
