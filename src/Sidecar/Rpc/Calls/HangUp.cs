namespace Sidecar.Rpc.Calls;

/// <summary>Tells a client that hung up from a failure of ours.</summary>
internal static class HangUp
{
    /// <summary>
    /// Whether the request was reset or its connection is gone. Kestrel fails the read of its body a moment before it fires
    /// the token; another read tells at once.
    /// </summary>
    public static bool HasHappened(HttpContext http)
    {
        if (http.RequestAborted.IsCancellationRequested) return true;
        try
        {
            if (http.Request.BodyReader.TryRead(out var rest)) http.Request.BodyReader.AdvanceTo(rest.Buffer.Start);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (InvalidOperationException)
        {
            return false; // somebody reads it still
        }
    }
}
