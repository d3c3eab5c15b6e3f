use std::fmt;

use bytes::Bytes;

use crate::RedisError;
use crate::link::{Link, Reply};
use crate::names::{Names, shown};
use crate::outage::{Outage, Setback};

/// What a check found out about a server that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// The server and its version, such as `redis 7.0.15`; `None` where it may not be asked.
    pub server: Option<String>,
    /// What an operator ought to know. Each reads as a sentence.
    pub concerns: Vec<Concern>,
}

/// A reason why what was acknowledged may be lost after all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concern {
    /// The server may not be asked for its settings.
    Unreadable {
        /// The server's words.
        reply: String,
    },
    /// A server older than any that this was tried with.
    Old {
        /// Its version.
        version: String,
    },
    /// Keys may be evicted when memory runs out: events, or a cursor without its events.
    Evicts {
        /// The policy.
        policy: String,
    },
    /// What is acknowledged does not survive the server's process.
    NotPersistent,
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { reply } => {
                write!(f, "the server's settings cannot be read and were not checked ({reply})")
            }
            Self::Old { version } => {
                write!(f, "version {version} is older than 6.2, the oldest that was tried")
            }
            Self::Evicts { policy } => write!(
                f,
                "maxmemory-policy {policy} may evict events, or a cursor alone; set it to noeviction"
            ),
            Self::NotPersistent => {
                f.write_str("appendonly is off, so a crash of the server loses events; set it to yes")
            }
        }
    }
}

/// Looks at the server's settings and at the types of all keys.
pub(crate) async fn check(link: &mut Link, names: &[Names]) -> Result<Findings, Setback> {
    let findings = match link.command("INFO", vec![]).await {
        Ok(reply) => read_info(reply.text().ok_or(Outage::Odd { command: "INFO" })?)?,
        Err(Setback::Final(RedisError::Permission { reply } | RedisError::Refused { reply })) => {
            Findings { server: None, concerns: vec![Concern::Unreadable { reply }] }
        }
        Err(setback) => return Err(setback),
    };
    for names in names {
        if let Some(error) = wrong_type(link, names).await? {
            return Err(error.into());
        }
    }
    Ok(findings)
}

fn read_info(info: &str) -> Result<Findings, RedisError> {
    let field = |name: &str| {
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned);
        info.lines().find_map(value)
    };
    if field("cluster_enabled").as_deref() == Some("1") || field("redis_mode").as_deref() == Some("cluster") {
        return Err(RedisError::Cluster);
    }
    let mut concerns = Vec::new();
    let compatible = field("redis_version");
    if let Some(version) = &compatible
        && is_older_than_6_2(version)
    {
        concerns.push(Concern::Old { version: version.clone() });
    }
    let bounded = field("maxmemory").is_some_and(|bytes| bytes != "0");
    if let Some(policy) = field("maxmemory_policy").filter(|policy| bounded && policy != "noeviction") {
        concerns.push(Concern::Evicts { policy });
    }
    if field("aof_enabled").as_deref() == Some("0") {
        concerns.push(Concern::NotPersistent);
    }
    let server = match field("valkey_version") {
        Some(version) => Some(format!("valkey {version}")),
        None => compatible.map(|version| format!("redis {version}")),
    };
    Ok(Findings { server, concerns })
}

fn is_older_than_6_2(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(u32::MAX));
    let (major, minor) = (numbers.next().unwrap_or(u32::MAX), numbers.next().unwrap_or(0));
    (major, minor) < (6, 2)
}

/// The first key of these that exists and has another type than it must have.
async fn wrong_type(link: &mut Link, names: &Names) -> Result<Option<RedisError>, Setback> {
    for (key, wanted) in names.types() {
        let found = type_of(link, key).await?;
        if found != wanted && found != "none" {
            return Ok(Some(RedisError::WrongType { key: shown(key), wanted, found }));
        }
    }
    Ok(None)
}

async fn type_of(link: &mut Link, key: &Bytes) -> Result<String, Setback> {
    let reply: Reply = link.command("TYPE", vec![key.clone()]).await?;
    reply.text().map(str::to_owned).ok_or_else(|| Outage::Odd { command: "TYPE" }.into())
}

/// Says which key was meant by a WRONGTYPE, where the server tells.
pub(crate) async fn name_the_wrong_type(link: &mut Link, names: &Names, reply: String) -> RedisError {
    match wrong_type(link, names).await {
        Ok(Some(error)) => error,
        Ok(None) | Err(_) => RedisError::Refused { reply },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concerns(info: &str) -> Vec<Concern> {
        read_info(info).unwrap().concerns
    }

    #[test]
    fn a_server_set_up_as_it_should_be_raises_no_concern() {
        let info = "redis_version:7.0.15\r\nredis_mode:standalone\r\nmaxmemory:0\r\n\
                    maxmemory_policy:noeviction\r\naof_enabled:1\r\ncluster_enabled:0\r\n";
        let findings = read_info(info).unwrap();
        assert_eq!(findings, Findings { server: Some("redis 7.0.15".to_owned()), concerns: vec![] });
    }

    #[test]
    fn what_may_lose_events_is_said() {
        let evicts = Concern::Evicts { policy: "allkeys-lru".to_owned() };
        assert_eq!(concerns("maxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n"), [evicts]);
        assert_eq!(concerns("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n"), []);
        assert_eq!(concerns("aof_enabled:0\r\n"), [Concern::NotPersistent]);
        for (version, old) in
            [("6.0.9", true), ("5.0.7", true), ("6.2.0", false), ("7.2.4", false), ("255.255", false)]
        {
            assert_eq!(!concerns(&format!("redis_version:{version}\r\n")).is_empty(), old, "{version}");
        }
    }

    #[test]
    fn valkey_is_called_by_its_name_and_a_cluster_is_refused() {
        let info = "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n";
        assert_eq!(read_info(info).unwrap().server.as_deref(), Some("valkey 9.1.2"));
        assert!(matches!(read_info("redis_mode:cluster\r\n"), Err(RedisError::Cluster)));
        assert!(matches!(read_info("cluster_enabled:1\r\n"), Err(RedisError::Cluster)));
    }
}
