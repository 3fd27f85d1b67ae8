using Stagectl;

return await StagectlProcess.RunAsync(args);
