using Sidecar.Hosting;

return await SidecarProcess.RunAsync(args);
