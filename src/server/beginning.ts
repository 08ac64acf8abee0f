/**
 * The role in which a node begins (docs/operations.md, "The role file" and "Sentinel at the start"). The
 * Sentinels' answer counts before the role file, and the role file before the options.
 */
import type { FastcacheError } from '../errors.js';
import { formatAddress, isSameAddress } from '../transport/address.js';
import type { Address } from '../transport/connection.js';
import type { NodeConfig } from './config.js';
import type { Place } from './option.js';
import type { KeptRole } from './role-file.js';
import type { NodeSeams } from './seams.js';
import { isSelf } from './self.js';
import type { SentinelAnswers } from './sentinels.js';

/** The Sentinels are asked so often, and so many ms apart, before a server begins without an answer. */
const TRIES = 5;
const TRY_AGAIN_MS = 1_000;

/** The answer of the Sentinels. */
export interface Verdict {
  /** The other server that is primary; undefined: it is this one. */
  readonly primary: Address | undefined;
  /** Whether the primary is not new. */
  readonly hasPast: boolean;
}

/** How a node begins. */
export interface Beginning {
  /** The primary to follow; undefined: the node leads. */
  readonly primary: Address | undefined;
  /** Whether it leads and has led before, so that it must not pass for a new primary. */
  readonly hasLed: boolean;
  /** Whether there are Sentinels none of which has answered. */
  readonly isUnanswered: boolean;
  readonly announce: Place;
  /** Sentences about it for the operator. */
  readonly notes: readonly string[];
}

/** Asks the Sentinels of `config`. Returns the verdict, and why there is none. */
export async function askForVerdict(
  config: NodeConfig,
  seams: NodeSeams,
): Promise<{ verdict: Verdict | undefined; faults: readonly FastcacheError[] }> {
  const { askSentinels } = await import('./sentinels.js');
  const { answer, faults }: SentinelAnswers = await askSentinels(config, seams);
  if (answer === undefined) return { verdict: undefined, faults };
  const primary = (await isSelf(answer.primary, config, seams)) ? undefined : answer.primary;
  return { verdict: { primary, hasPast: answer.hasPast }, faults };
}

/** Finds out how to begin. `kept` is what the role file says; undefined: there is none. */
export async function findBeginning(
  config: NodeConfig,
  seams: NodeSeams,
  kept: KeptRole | undefined,
): Promise<Beginning> {
  const { place: announce, notes: ofPlace } = announcedPlace(config, kept);
  const common = { announce, isUnanswered: false };
  const placed = { ...config, announce };
  const { verdict, faults } = config.sentinels.length === 0 ? NOT_ASKED : await verdictInTime(placed, seams);
  if (verdict?.primary !== undefined) {
    const { primary } = verdict;
    const isExpected =
      isSameAddress(primary, config.primary) && (kept === undefined || isSameAddress(primary, kept.primary));
    const note = `the Sentinels say that ${formatAddress(primary)} is primary: it is followed`;
    return { ...common, primary, hasLed: false, notes: isExpected ? ofPlace : [...ofPlace, note] };
  }
  if (verdict !== undefined) {
    const hasLed = verdict.hasPast || (kept !== undefined && hasContent(kept));
    return { ...common, primary: undefined, hasLed, notes: ofPlace };
  }
  const isUnanswered = config.sentinels.length > 0;
  const unanswered = isUnanswered ? [unansweredNote(faults)] : [];
  if (kept === undefined) {
    const notes = [...ofPlace, ...unanswered];
    return { announce, isUnanswered, primary: config.primary, hasLed: false, notes };
  }
  return {
    announce,
    isUnanswered,
    primary: kept.primary,
    hasLed: kept.primary === undefined && hasContent(kept),
    notes: [...ofPlace, ...unanswered, ...contradictions(config, kept)],
  };
}

const NOT_ASKED = { verdict: undefined, faults: [] };

async function verdictInTime(config: NodeConfig, seams: NodeSeams): ReturnType<typeof askForVerdict> {
  for (let tries = 1; ; tries += 1) {
    // A caller that stops the server meanwhile throws here.
    config.onLoading?.(0, 0);
    const asked = await askForVerdict(config, seams);
    if (asked.verdict !== undefined || tries === TRIES) return asked;
    await new Promise<void>((resolve) => seams.timers.after(TRY_AGAIN_MS, resolve));
  }
}

function hasContent({ primary, history }: KeptRole): boolean {
  return primary !== undefined || history !== undefined;
}

/** An option counts before the role file here: an address may be another one with each start. */
function announcedPlace(
  { announce, roleFile }: NodeConfig,
  kept: KeptRole | undefined,
): { place: Place; notes: string[] } {
  const [given, before] = [announce, kept?.announced ?? announce].map(formatAddress);
  if (given === before || given === NOT_GIVEN) return { place: kept?.announced ?? announce, notes: [] };
  if (before === NOT_GIVEN) return { place: announce, notes: [] };
  return { place: announce, notes: [`${given} is announced, and not ${before} of ${roleFile}`] };
}

const NOT_GIVEN = formatAddress({ host: '', port: 0 });

function contradictions(config: NodeConfig, { primary }: KeptRole): string[] {
  const { primary: asked, roleFile, load, recover } = config;
  if (primary === undefined) {
    if (asked === undefined) return [];
    return [
      `${roleFile} says that this server is a primary, and so it does not follow ${formatAddress(asked)}: ` +
        'REPLICAOF has it follow; without the file it begins as its options say',
    ];
  }
  if (isSameAddress(primary, asked) && load === undefined && recover.length === 0) return [];
  const instead = asked === undefined ? 'begin as a primary' : `follow ${formatAddress(asked)}`;
  return [
    `${roleFile} says that this server follows ${formatAddress(primary)}, and so it does not ${instead}: ` +
      'REPLICAOF NO ONE promotes it; without the file it begins as its options say',
  ];
}

function unansweredNote(faults: readonly FastcacheError[]): string {
  const reasons = faults.map(({ message }) => message).join(' ');
  return `no Sentinel says who is primary, and they are asked again each second: ${reasons}`;
}
