//! The real crate (shardmap 0.1.0, formerly fast-cache) as a peer for live tests, and as the source of the golden
//! dumps. `primary` and `replica` read commands from stdin, one a line, and answer each with exactly one line on
//! stdout; they end with their stdin, so that no test leaves one behind. Warnings of the crate go to stderr.

mod content;
mod golden;
mod options;
mod primary;
mod replica;

pub type Res<T> = Result<T, Box<dyn std::error::Error>>;

const USAGE: &str = "usage: fcrp-peer primary --bind HOST:PORT [--shards N] [--route session-prefix] [OPTIONS]
       fcrp-peer replica --of HOST:PORT [OPTIONS]
       fcrp-peer golden DIR
OPTIONS: --token T, --zstd on, --immediate on, --backlog BYTES, --chunk BYTES, --subcap FRAMES";

fn main() -> Res<()> {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let options = options::Options::from_args(std::env::args().skip(2));
    match std::env::args().nth(1).as_deref() {
        Some("primary") => primary::run(&options),
        Some("replica") => replica::run(&options),
        Some("golden") => golden::run(&options),
        _ => Err(USAGE.into()),
    }
}
