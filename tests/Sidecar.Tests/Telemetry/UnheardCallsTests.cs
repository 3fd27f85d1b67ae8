using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Sidecar.Telemetry;

namespace Sidecar.Tests.Telemetry;

internal sealed class UnheardCallsTests
{
    private const string Server = "Grpc.AspNetCore.Server.ServerCallHandler";

    private static readonly EventId Failed = new(6, "ErrorExecutingServiceMethod");

    private static readonly Exception[] OfTheConnection =
        [new IOException("The client reset the request stream."), new InvalidOperationException("Writing is not allowed after writer was completed.")];

    [TestCaseSource(nameof(OfTheConnection))]
    public void WhatTheConnectionThrows_IsLeftOut(Exception failure) =>
        Assert.That(UnheardCalls.TellsOf(Server, Failed, failure));

    [Test]
    public void EverythingElse_IsLogged()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(UnheardCalls.TellsOf(Server, Failed, new InvalidDataException()), Is.False);
            Assert.That(UnheardCalls.TellsOf(Server, Failed, null), Is.False);
            Assert.That(UnheardCalls.TellsOf("Sidecar.Rpc", Failed, OfTheConnection[0]), Is.False);
            Assert.That(UnheardCalls.TellsOf(Server, new EventId(5, "ServiceMethodStarting"), OfTheConnection[0]), Is.False);
        }
    }
}
