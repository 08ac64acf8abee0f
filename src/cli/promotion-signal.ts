/** SIGUSR2 promotes a replica (cli.md). */

/**
 * Heeds the signal from now on. What it is to do is named by calling what is returned, and done at once if the signal has
 * come before.
 */
export function promotionSignal(): (promote: () => void) => void {
  let hasCome = false;
  let onSignal = () => {
    hasCome = true;
  };
  process.on('SIGUSR2', () => onSignal());
  return (promote) => {
    onSignal = promote;
    if (hasCome) promote();
  };
}
