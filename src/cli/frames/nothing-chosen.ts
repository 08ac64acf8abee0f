/** Notes that a choice has chosen nothing, which may be a wrong time or sequence. */

/** Says on stderr that flags have chosen nothing; `isChoice`: there were such flags. */
export function noteNothingChosen(isChoice: boolean, chosen: number, note: (text: string) => void): void {
  if (!isChoice || chosen > 0) return;
  note(
    'Note: nothing in the dumps is of that range and choice; frames stats shows which sequences, times and ' +
      'keys they have',
  );
}
