/** SIGUSR2 promotes a replica (docs/operations.md, "Promotion"). */

/**
 * Handles the signal from now on. The returned function names the action, which runs at once if the signal
 * has come before. `refused` is called with an error that the action throws; nothing ends by it.
 */
export function promotionSignal(refused: (error: unknown) => void): (promote: () => void) => void {
  let hasCome = false;
  let onSignal = () => {
    hasCome = true;
  };
  process.on('SIGUSR2', () => onSignal());
  return (promote) => {
    onSignal = () => {
      try {
        promote();
      } catch (error) {
        refused(error);
      }
    };
    if (hasCome) onSignal();
  };
}
