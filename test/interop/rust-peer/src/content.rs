//! Keys, values and digests that the tests on the other side can redo (test/support/digest.ts, rust-peer.ts).

use shardmap::storage::EmbeddedStore;

use crate::Res;

/// An argument of a command: as it stands, or `hex:` and hex digits for bytes that a line cannot carry.
pub fn bytes_of(argument: &str) -> Res<Vec<u8>> {
    let Some(digits) = argument.strip_prefix("hex:") else {
        return Ok(argument.as_bytes().to_vec());
    };
    if !digits.is_ascii() || digits.len() % 2 != 0 {
        return Err(format!("not hex: {argument}").into());
    }
    (0..digits.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&digits[at..at + 2], 16)?)).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `value:<i>:` and then bytes of every kind, `len` in all.
pub fn value_of(i: usize, len: usize) -> Vec<u8> {
    let mut value = format!("value:{i}:").into_bytes();
    while value.len() < len {
        value.push((i.wrapping_mul(31).wrapping_add(value.len() * 7) % 251) as u8);
    }
    value.truncate(len);
    value
}

/// `<number of keys> <digest>`; the digest is FNV-1a over key, 0, value, 0 of all live entries sorted by key.
pub fn digest(store: &EmbeddedStore) -> String {
    let mut entries: Vec<_> = store.entry_snapshot().into_iter().map(|e| (e.key.to_vec(), e.value.to_vec())).collect();
    entries.sort();
    let mut hash: u64 = 0xcbf29ce484222325;
    let mut eat = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100000001b3);
        }
    };
    for (key, value) in &entries {
        eat(key);
        eat(value);
    }
    format!("{} {hash:016x}", entries.len())
}

pub fn joined(watermarks: &[u64]) -> String {
    watermarks.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}
