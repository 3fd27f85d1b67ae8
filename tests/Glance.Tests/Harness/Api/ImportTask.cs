namespace Glance.Tests.Harness.Api;

/// <summary>A task of Glance as its owner sees it.</summary>
internal sealed record ImportTask(string Status, string Message);
