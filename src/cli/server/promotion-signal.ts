/** SIGUSR2 promotes a replica (docs/operations.md, "Promotion"). */

/**
 * Heeds the signal from now on. What it is to do is named by calling what is returned, and done at once if
 * the signal has come before; what that throws is told to `refused`, and nothing ends by it.
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
