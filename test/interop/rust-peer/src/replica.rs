//! A replica of the crate that follows `--of` and answers questions about what it holds.
//!
//! `get K`, `digest`, `watermarks`, `wait W0 W1 …`, `metrics`, `quit`.

use std::io::BufRead;
use std::thread;
use std::time::{Duration, Instant};

use shardmap::replication::ReplicationReplicaClient;

use crate::Res;
use crate::content::{bytes_of, digest, hex, joined};
use crate::options::Options;

/// Below the patience of the tests, so that they hear where it stands.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

pub fn run(options: &Options) -> Res<()> {
    let client = ReplicationReplicaClient::start(options.replication()?)?;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line == "quit" {
            break;
        }
        println!("{}", answer(&client, &line).unwrap_or_else(|error| format!("error {error}: {line}")));
    }
    Ok(())
}

fn answer(client: &ReplicationReplicaClient, line: &str) -> Res<String> {
    let replica = client.replica();
    let words: Vec<&str> = line.split(' ').collect();
    Ok(match words.as_slice() {
        ["get", key] => match replica.lock().get(&bytes_of(key)?) {
            Some(value) => format!("hex:{}", hex(&value)),
            None => "none".into(),
        },
        ["digest"] => digest(replica.lock().inner()),
        ["watermarks"] => joined(replica.lock().watermarks().as_slice()),
        ["wait", wanted @ ..] => {
            let wanted: Vec<u64> = wanted.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
            let start = Instant::now();
            loop {
                let reached = replica.lock().watermarks().clone();
                if wanted.iter().enumerate().all(|(shard, watermark)| reached.get(shard) >= *watermark) {
                    break "reached".into();
                }
                if start.elapsed() > WAIT_LIMIT {
                    return Err(format!("not reached, stands at {}", joined(reached.as_slice())).into());
                }
                thread::sleep(Duration::from_micros(200));
            }
        }
        ["metrics"] => format!("{:?}", replica.lock().metrics_snapshot()),
        _ => return Err("unknown command".into()),
    })
}
