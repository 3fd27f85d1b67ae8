namespace Glance.Tests.Harness.Servers;

/// <summary>A web server that runs glance-api, with native threads.</summary>
internal interface IApiServer
{
    Command Start();
}
