/** The types of options as programs give them and as a server is made from them, read off the rows. */
import type { AnyOption } from './option.js';
import type { serverOptions } from './options.js';

type Table = typeof serverOptions;

/** The name of an option in the library. */
export type OptionName = keyof Table;

type NamesOf<On> = {
  [Name in OptionName]: On extends Table[Name]['on'][number] ? Name : never;
}[OptionName];
type GivenOf<Row extends AnyOption> = Exclude<Parameters<Row['resolve']>[0], undefined>;
type GivenTo<On, Row extends AnyOption> = Row extends { readonly neededBy: readonly (infer Needed)[] }
  ? On extends Needed
    ? Exclude<GivenOf<Row>, false>
    : GivenOf<Row>
  : GivenOf<Row>;
type OptionsOf<On> = { [Name in keyof Pick<Table, NamesOf<On>>]?: GivenTo<On, Table[Name]> | undefined };

/** The options of a primary. */
export type PrimaryOptions = OptionsOf<'primary'>;

/** The options of a replica. */
export type ReplicaOptions = OptionsOf<'replica'>;

/** The options of a server that begins in either role. */
export type ServerOptions = OptionsOf<'server'>;

/** Options, whatever the server begins with. */
export type GivenOptions = { [Name in OptionName]?: GivenOf<Table[Name]> | undefined };

/** The values of every server's options by name: each has its default, and addresses are parsed. */
export type OptionValues = { [Name in OptionName]: ReturnType<Table[Name]['resolve']> };
