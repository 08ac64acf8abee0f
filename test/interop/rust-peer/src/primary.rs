//! A primary of the crate: its replicated store behind its TCP listener, written to by commands.
//!
//! `set K V`, `setpx K V TTL_MS`, `del K`, `expireat K UNIX_MS`, `fill FROM TO LEN [PER_MS]`, `filled`, `route K`,
//! `digest`, `watermarks`, `metrics`, `quit`.

use std::io::BufRead;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use shardmap::replication::{ReplicatedEmbeddedStore, ReplicationPrimaryServer};

use crate::Res;
use crate::content::{bytes_of, digest, joined, value_of};
use crate::options::Options;

pub fn run(options: &Options) -> Res<()> {
    let config = options.replication()?;
    let store =
        Arc::new(ReplicatedEmbeddedStore::with_route_mode(options.shards()?, options.route_mode()?, config.clone())?);
    let _server = ReplicationPrimaryServer::start(config.clone(), store.primary(), store.clone())?;
    println!("ready {}", config.bind_addr);
    let mut fill = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line == "quit" {
            break;
        }
        println!("{}", answer(&store, &mut fill, &line).unwrap_or_else(|error| format!("error {error}: {line}")));
    }
    Ok(())
}

fn answer(store: &Arc<ReplicatedEmbeddedStore>, fill: &mut Option<JoinHandle<()>>, line: &str) -> Res<String> {
    let words: Vec<&str> = line.split(' ').collect();
    Ok(match words.as_slice() {
        ["set", key, value] => {
            store.set(bytes_of(key)?, bytes_of(value)?, None);
            "ok".into()
        }
        ["setpx", key, value, ttl_ms] => {
            store.set(bytes_of(key)?, bytes_of(value)?, Some(ttl_ms.parse()?));
            "ok".into()
        }
        ["del", key] => store.delete(&bytes_of(key)?).to_string(),
        ["expireat", key, unix_ms] => store.expire(&bytes_of(key)?, unix_ms.parse()?).to_string(),
        ["fill", from, to, len, rest @ ..] => {
            let per_ms = rest.first().map(|text| text.parse()).transpose()?;
            *fill = Some(start_fill(store.clone(), from.parse()?, to.parse()?, len.parse()?, per_ms));
            "ok".into()
        }
        ["filled"] => {
            if let Some(writer) = fill.take() {
                writer.join().map_err(|_| "the filling thread panicked")?;
            }
            "filled".into()
        }
        ["route", key] => {
            let route = store.inner().route_key(&bytes_of(key)?);
            format!("{} {}", route.shard_id, route.key_hash)
        }
        ["digest"] => digest(store.inner()),
        ["watermarks"] => joined(store.primary().current_watermarks().as_slice()),
        ["metrics"] => format!("{:?}", store.metrics_snapshot()),
        _ => return Err("unknown command".into()),
    })
}

/// Writes `key:<i>` for each i of the range on a thread of its own, so that writes go on while a replica joins;
/// with `per_ms` at that pace. `filled` waits for it.
fn start_fill(
    store: Arc<ReplicatedEmbeddedStore>,
    from: usize,
    to: usize,
    len: usize,
    per_ms: Option<usize>,
) -> JoinHandle<()> {
    thread::spawn(move || {
        for i in from..to {
            store.set(format!("key:{i}").into_bytes(), value_of(i, len), None);
            if per_ms.is_some_and(|pace| (i - from) % pace == pace - 1) {
                thread::sleep(Duration::from_millis(1));
            }
        }
    })
}
