using Grpc.InteropServer;

var app = InteropHost.Create(args);
await app.StartAsync();
Console.WriteLine($"listening on {InteropHost.Port(app)}");
await app.WaitForShutdownAsync();
