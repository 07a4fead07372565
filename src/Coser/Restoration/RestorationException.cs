namespace Coser.Restoration;

/// <summary>A restoration has no usable result; the message says why.</summary>
public sealed class RestorationException(string message) : Exception(message);
