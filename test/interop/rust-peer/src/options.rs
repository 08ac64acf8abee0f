//! The command line: `--name value` pairs and at most one argument, turned into the crate's configuration.

use std::collections::HashMap;

use shardmap::config::{ReplicationCompression, ReplicationConfig, ReplicationRole, ReplicationSendPolicy};
use shardmap::storage::EmbeddedRouteMode;

use crate::Res;

pub struct Options {
    flags: HashMap<String, String>,
    pub argument: Option<String>,
}

impl Options {
    pub fn from_args(args: impl Iterator<Item = String>) -> Self {
        let mut options = Options { flags: HashMap::new(), argument: None };
        let mut args = args;
        while let Some(arg) = args.next() {
            match arg.strip_prefix("--") {
                Some(name) => {
                    options.flags.insert(name.to_string(), args.next().unwrap_or_default());
                }
                None => options.argument = Some(arg),
            }
        }
        options
    }

    fn number(&self, name: &str, default: usize) -> Res<usize> {
        match self.flags.get(name) {
            Some(text) => text.parse().map_err(|_| format!("--{name} wants a number, not {text}").into()),
            None => Ok(default),
        }
    }

    pub fn shards(&self) -> Res<usize> {
        self.number("shards", 4)
    }

    pub fn route_mode(&self) -> Res<EmbeddedRouteMode> {
        match self.flags.get("route").map(String::as_str) {
            None | Some("full-key") => Ok(EmbeddedRouteMode::FullKey),
            Some("session-prefix") => Ok(EmbeddedRouteMode::SessionPrefix),
            Some(other) => Err(format!("--route is full-key or session-prefix, not {other}").into()),
        }
    }

    pub fn replication(&self) -> Res<ReplicationConfig> {
        let mut config = ReplicationConfig { enabled: true, ..Default::default() };
        if let Some(address) = self.flags.get("bind") {
            config.bind_addr = address.clone();
        }
        if let Some(address) = self.flags.get("of") {
            config.role = ReplicationRole::Replica;
            config.replica_of = Some(address.clone());
        }
        config.auth_token = self.flags.get("token").cloned();
        if self.flags.contains_key("zstd") {
            config.compression = ReplicationCompression::Zstd;
        }
        if self.flags.contains_key("immediate") {
            config.send_policy = ReplicationSendPolicy::Immediate;
        }
        config.backlog_bytes = self.number("backlog", config.backlog_bytes)?;
        config.snapshot_chunk_bytes = self.number("chunk", config.snapshot_chunk_bytes)?;
        config.subscriber_channel_capacity = self.number("subcap", config.subscriber_channel_capacity)?;
        Ok(config)
    }
}
