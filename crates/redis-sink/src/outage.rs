use std::error::Error;
use std::time::Duration;

use thiserror::Error;

use crate::RedisError;

/// Why a command came to nothing for the time being. Waiting, or a new connection, cures it.
#[derive(Debug, Error)]
pub(crate) enum Outage {
    #[error("connect to {address}")]
    Unreachable {
        address: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("hear from the server within {after:?} of {command}")]
    Silent { command: &'static str, after: Duration },
    #[error("keep the connection during {command}")]
    Lost {
        command: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("have the server run {command}: {reply}")]
    Refused { command: &'static str, reply: String },
    #[error("understand the answer to {command}")]
    Odd { command: &'static str },
}

impl Outage {
    /// Whether a new connection has to be built: this one is dead, or leads to a server that cannot write.
    pub(crate) fn breaks_the_link(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Lost { .. } | Self::Odd { .. } => true,
            Self::Refused { reply, .. } => {
                let code = code(reply);
                ["LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN"].contains(&code) || code == "ERR"
            }
        }
    }
}

/// What stands in the way of a step: something to wait out, or something that waiting does not cure.
#[derive(Debug)]
pub(crate) enum Setback {
    Outage(Outage),
    Final(RedisError),
    /// The server does not know a script, after a restart or a flush of its scripts.
    UnknownScript,
    /// A key is of the wrong type; which, the reply does not say.
    WrongType {
        reply: String,
    },
}

impl From<RedisError> for Setback {
    fn from(error: RedisError) -> Self {
        Self::Final(error)
    }
}

impl From<Outage> for Setback {
    fn from(outage: Outage) -> Self {
        Self::Outage(outage)
    }
}

impl Setback {
    /// As an error of something that does not wait.
    pub(crate) fn into_error(self) -> RedisError {
        match self {
            Self::Outage(outage) => RedisError::Unreachable(outage.into()),
            Self::Final(error) => error,
            Self::UnknownScript => RedisError::Refused { reply: "NOSCRIPT".to_owned() },
            Self::WrongType { reply } => RedisError::Refused { reply },
        }
    }
}

/// Sorts the server's refusals.
pub(crate) fn setback(command: &'static str, reply: &str) -> Setback {
    let reply = innermost(reply).to_owned();
    match code(&reply) {
        "OOM" | "BUSY" | "MISCONF" | "NOREPLICAS" | "LOADING" | "MASTERDOWN" | "TRYAGAIN" | "CLUSTERDOWN"
        | "READONLY" => Outage::Refused { command, reply }.into(),
        "ERR" if reply.contains("max number of clients") => Outage::Refused { command, reply }.into(),
        // What Redis 7.0, and its successors with Valkey, say instead of NOPERM inside a script.
        "ERR"
            if reply.contains("user executing the script can't")
                || reply.contains("ACL failure in script") =>
        {
            RedisError::Permission { reply }.into()
        }
        "NOSCRIPT" => Setback::UnknownScript,
        "WRONGTYPE" => Setback::WrongType { reply },
        "NOAUTH" | "WRONGPASS" => RedisError::Credentials { reply }.into(),
        "NOPERM" => RedisError::Permission { reply }.into(),
        "MOVED" | "ASK" | "CROSSSLOT" => RedisError::Cluster.into(),
        _ => RedisError::Refused { reply }.into(),
    }
}

/// Whether a text begins with an error code, as every refusal of a server does.
pub(crate) fn is_refusal(text: &str) -> bool {
    let code = code(text);
    code.len() > 1 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn code(reply: &str) -> &str {
    reply.split_ascii_whitespace().next().unwrap_or_default()
}

/// Redis 6 wraps what a command inside a script was refused with: `ERR Error running script (call to f_…):
/// @user_script:6: -OOM command not allowed …`.
fn innermost(reply: &str) -> &str {
    let inner = reply.rsplit_once("user_script:").and_then(|(_, rest)| rest.split_once(": "));
    match inner {
        Some((_, inner)) if reply.starts_with("ERR ") => inner.trim_start_matches('-'),
        Some(_) | None => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_waited_out() {
        for reply in [
            "OOM command not allowed when used memory > 'maxmemory'. script: 9c, on @user_script:22.",
            "BUSY Redis is busy running a script.",
            "MISCONF Redis is configured to save RDB snapshots",
            "NOREPLICAS Not enough good replicas to write.",
            "LOADING Redis is loading the dataset in memory",
            "MASTERDOWN Link with MASTER is down",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "CLUSTERDOWN The cluster is down",
            "READONLY You can't write against a read only replica.",
            "ERR max number of clients reached",
            "ERR Error running script (call to f_1): @user_script:22: -OOM command not allowed",
        ] {
            assert!(matches!(setback("EVALSHA", reply), Setback::Outage(_)), "{reply}");
        }
    }

    #[test]
    fn what_an_operator_has_to_cure_is_an_error_of_its_own() {
        let error = |reply: &str| {
            let Setback::Final(error) = setback("EVALSHA", reply) else { panic!("{reply} is not final") };
            error
        };
        assert!(matches!(error("NOAUTH Authentication required."), RedisError::Credentials { .. }));
        assert!(matches!(error("WRONGPASS invalid username-password pair"), RedisError::Credentials { .. }));
        assert!(matches!(error("NOPERM No permissions to access a key"), RedisError::Permission { .. }));
        for reply in [
            "ERR The user executing the script can't run this command or subcommand script: 2a, on @user_script:22.",
            "ERR ACL failure in script: User ingest has no permissions to run the 'set' command script: on @user_script:22.",
        ] {
            assert!(matches!(error(reply), RedisError::Permission { .. }), "{reply}");
        }
        assert!(matches!(error("MOVED 3999 127.0.0.1:6381"), RedisError::Cluster));
        assert!(matches!(error("ERR unknown command 'EVALSHA'"), RedisError::Refused { .. }));
    }

    #[test]
    fn a_refusal_begins_with_a_code() {
        assert!(is_refusal("ERR unknown command"));
        assert!(is_refusal("NOAUTH Authentication required."));
        for text in ["", "Connection closed.", "A b", "Failed to route command."] {
            assert!(!is_refusal(text), "{text}");
        }
    }
}
