//! The golden dumps: one frame a file, encoded by the crate from fixed content, so that every run writes the same
//! bytes; `all.fcrp` is a dump of several frames, and `routes.txt` holds the crate's hashes and shard ids.
//! fixtures/README.md says what is in them.

use std::path::Path;

use shardmap::replication::*;
use shardmap::storage::MutationOp::{Del, Expire, Set};
use shardmap::storage::{EmbeddedRouteMode, EmbeddedStore, MutationOp, MutationRecord, StoredEntry};

use crate::Res;
use crate::content::{hex, value_of};
use crate::options::Options;

const PLAIN: ReplicationCompressionMode = ReplicationCompressionMode::None;
const ZSTD: ReplicationCompressionMode = ReplicationCompressionMode::Zstd;
const ZSTD_LEVEL: i32 = 3;

pub fn run(options: &Options) -> Res<()> {
    let dir = Path::new(options.argument.as_deref().ok_or("golden wants a directory")?);
    std::fs::create_dir_all(dir)?;
    let put = |name: &str, kind, payload: &[u8], mode| -> Res<Vec<u8>> {
        let frame = encode_frame(kind, mode, ZSTD_LEVEL, payload)?;
        std::fs::write(dir.join(name), &frame)?;
        Ok(frame)
    };
    let batch = encode_mutation_batch(&every_operation());
    let batch_512 = encode_mutation_batch(&five_hundred_and_twelve());
    let watermarks = ShardWatermarks::from_vec(vec![10, 20, 30, 40]);
    let claimed = ShardWatermarks::from_vec(vec![0, 7, u64::MAX, 1 << 53]);
    let acknowledged = ShardWatermarks::from_vec(vec![1, 2, 3, 4]);

    let all = [
        put("hello-full.fcrp", FrameKind::Hello, &hello(HelloRole::Replica, Some("s3cret"), Some(claimed)), PLAIN)?,
        put("hello-bare.fcrp", FrameKind::Hello, &hello(HelloRole::Replica, None, None), PLAIN)?,
        put("batch-plain.fcrp", FrameKind::MutationBatch, &batch, PLAIN)?,
        put("batch-zstd.fcrp", FrameKind::MutationBatch, &batch, ZSTD)?,
        put("ack.fcrp", FrameKind::Ack, &encode_ack(&acknowledged), PLAIN)?,
        put("error.fcrp", FrameKind::Error, &encode_error("invalid auth token"), PLAIN)?,
        put("batch-512-zstd.fcrp", FrameKind::MutationBatch, &batch_512, ZSTD)?,
        put("batch-512-plain.fcrp", FrameKind::MutationBatch, &batch_512, PLAIN)?,
        put("snapshot-begin.fcrp", FrameKind::SnapshotBegin, &encode_ack(&watermarks), PLAIN)?,
        put("snapshot-chunk.fcrp", FrameKind::SnapshotChunk, &chunk(0, true, &watermarks, 0..100), ZSTD)?,
        put("snapshot-end.fcrp", FrameKind::SnapshotEnd, &encode_ack(&watermarks), PLAIN)?,
    ];
    std::fs::write(dir.join("all.fcrp"), all.concat())?;

    put("hello-subscriber.fcrp", FrameKind::Hello, &hello(HelloRole::ServiceSubscriber, None, None), PLAIN)?;
    put("snapshot-chunk-plain.fcrp", FrameKind::SnapshotChunk, &chunk(7, false, &watermarks, 100..120), PLAIN)?;
    put("snapshot-chunk-empty.fcrp", FrameKind::SnapshotChunk, &chunk(0, true, &watermarks, 0..0), PLAIN)?;
    std::fs::write(dir.join("routes.txt"), routes())?;
    Ok(())
}

fn hello(role: HelloRole, token: Option<&str>, since: Option<ShardWatermarks>) -> Vec<u8> {
    encode_hello(&ReplicationHello { version: FCRP_VERSION, role, auth_token: token.map(String::from), since })
}

fn every_operation() -> Vec<ReplicationMutation> {
    vec![
        mutation(1, 4, b"alpha", b"one", Set, None),
        mutation(2, 4, b"beta", &[0, 1, 2, 254, 255], Set, Some(1_900_000_000_000)),
        mutation(3, 4, b"gamma", b"", Del, None),
        mutation(4, 4, b"", b"empty key", Set, None),
        mutation(5, 4, "ключ✓".as_bytes(), &[b'x'; 3000], Set, None),
        mutation(6, 4, b"alpha", b"", Expire, Some(1_950_000_000_000)),
        mutation(u64::MAX, 4, b"alpha", b"", Expire, None),
    ]
}

fn five_hundred_and_twelve() -> Vec<ReplicationMutation> {
    (0..512).map(|i| mutation(i as u64 + 1, 1, format!("key:{i}").as_bytes(), &value_of(i, 64), Set, None)).collect()
}

fn mutation(
    sequence: u64,
    shards: usize,
    key: &[u8],
    value: &[u8],
    op: MutationOp,
    expire_at_ms: Option<u64>,
) -> ReplicationMutation {
    let route = EmbeddedStore::new(shards).route_key(key);
    let record = MutationRecord {
        shard_id: route.shard_id,
        sequence,
        timestamp_ms: 1_760_000_000_000u64.wrapping_add(sequence),
        op,
        key: key.to_vec().into(),
        value: value.to_vec().into(),
        expire_at_ms,
    };
    ReplicationMutation::from_record_with_key_hash(&record, route.key_hash)
}

fn chunk(chunk_index: u64, is_last: bool, watermarks: &ShardWatermarks, entries: std::ops::Range<usize>) -> Vec<u8> {
    let entries = entries
        .map(|i| StoredEntry {
            key: format!("snap:{i}").into_bytes(),
            value: value_of(i, 40),
            expire_at_ms: (i % 10 == 0).then_some(1_900_000_000_000 + i as u64),
        })
        .collect();
    encode_snapshot_chunk(&ReplicationSnapshotChunk { chunk_index, is_last, watermarks: watermarks.clone(), entries })
}

/// A line a key: the key in hex (`-` when empty), its hash, then its shard among 1, 2, 4, 16, 64 and 1024 shards,
/// first routed by full key, then by session prefix.
fn routes() -> String {
    let modes = [EmbeddedRouteMode::FullKey, EmbeddedRouteMode::SessionPrefix];
    let stores: Vec<EmbeddedStore> = modes
        .into_iter()
        .flat_map(|mode| [1, 2, 4, 16, 64, 1024].map(|shards| EmbeddedStore::with_route_mode(shards, mode)))
        .collect();
    let line = |key: Vec<u8>| {
        let digits = if key.is_empty() { "-".into() } else { hex(&key) };
        let shards: Vec<String> = stores.iter().map(|store| store.route_key(&key).shard_id.to_string()).collect();
        format!("{digits} {} {}\n", stores[0].route_key(&key).key_hash, shards.join(" "))
    };
    plain_keys().chain(session_keys()).map(line).collect()
}

/// Of every length up to 900, through all length classes of XXH3.
fn plain_keys() -> impl Iterator<Item = Vec<u8>> {
    (0..300).map(|i| match i % 3 {
        0 => format!("key:{i}").into_bytes(),
        1 => value_of(i, i * 3),
        _ => vec![i as u8; i],
    })
}

/// Sessions, and what only looks like one: the last `:c:` counts, and only behind `s:`.
fn session_keys() -> impl Iterator<Item = Vec<u8>> {
    let odd = [
        "",
        "s",
        "s:",
        "s:c:",
        "s::c:",
        "s:c:1",
        "s:a:c",
        "s:a:c:",
        "s:a:c:b:c:9",
        "s:a:c:c:1",
        "s:a:c::c:",
        "s:a:C:1",
        "s:only",
        "S:a:c:1",
        "xs:a:c:1",
        "a:c:1",
        "s:пользователь:c:1",
    ];
    let chunks = (0..200).map(|i| format!("s:{}:c:{}", i / 4, i % 4).into_bytes());
    odd.into_iter().map(|key| key.as_bytes().to_vec()).chain(chunks)
}
