namespace Sidecar.Import.Processes.Confinement;

/// <summary>One layer of the confinement of child processes.</summary>
/// <param name="Mechanism">Its name in metrics, the log and the API.</param>
/// <param name="Missing">Why it does not hold; empty when it does.</param>
internal sealed record ConfinementLayer(string Mechanism, bool Holds, string Missing);
