use bytes::Bytes;

use crate::findings::{Concern, Findings};
use crate::link::{Link, Reply};
use crate::names::{Names, shown};
use crate::outage::{Outage, Setback};
use crate::{Marks, RedisError};

/// Says what the user of the link may not do.
const PERMISSIONS: &str = include_str!("permissions.lua");
/// What one entry takes in the server's memory, in bytes.
const ENTRY_BYTES: u64 = 700;

/// Looks at the server's settings, at the types of all keys, and at what the user may do with them.
pub(crate) async fn check(link: &mut Link, marks: Marks, names: &[Names]) -> Result<Findings, Setback> {
    let mut findings = match link.command("INFO", vec![]).await {
        Ok(reply) => read_info(reply.text().ok_or(Outage::Odd { command: "INFO" })?, marks)?,
        Err(Setback::Final(RedisError::Permission { reply } | RedisError::Refused { reply })) => {
            let concerns = vec![Concern::Unreadable { reply }];
            Findings { server: None, concerns, unread: vec![] }
        }
        Err(setback) => return Err(setback),
    };
    for names in names {
        if let Some(error) = wrong_type(link, names).await? {
            return Err(error.into());
        }
        if let Some(error) = forbidden(link, names).await? {
            return Err(error.into());
        }
    }
    if !findings.concerns.contains(&Concern::NotPersistent) {
        match appendfsync(link).await? {
            Some(policy) if policy == "no" => findings.concerns.push(Concern::NeverSyncs),
            Some(_) => {}
            None => findings.unread.push("appendfsync"),
        }
    }
    Ok(findings)
}

/// When what is written reaches the disk; `None` where that may not be asked.
async fn appendfsync(link: &mut Link) -> Result<Option<String>, Setback> {
    let words = [&b"GET"[..], b"appendfsync"].map(Bytes::from_static);
    match link.command("CONFIG", words.into()).await {
        Ok(Reply::Array(items)) => Ok(items.get(1).and_then(Reply::text).map(str::to_owned)),
        Ok(_) => Err(Outage::Odd { command: "CONFIG" }.into()),
        Err(Setback::Final(RedisError::Permission { .. } | RedisError::Refused { .. })) => Ok(None),
        Err(setback) => Err(setback),
    }
}

/// The first thing that the user may not do and a writer of this host does.
async fn forbidden(link: &mut Link, names: &Names) -> Result<Option<RedisError>, Setback> {
    let keys = [&names.stream, &names.cursor, &names.fence];
    let mut words = vec![Bytes::from_static(PERMISSIONS.as_bytes()), keys.len().to_string().into()];
    words.extend(keys.into_iter().cloned());
    let Reply::Array(missing) = link.command("EVAL", words).await? else {
        return Err(Outage::Odd { command: "EVAL" }.into());
    };
    let first = missing.first().and_then(Reply::text);
    Ok(first.map(|missing| RedisError::Permission { reply: format!("it may not {missing}") }))
}

fn read_info(info: &str, marks: Marks) -> Result<Findings, RedisError> {
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
    let maxmemory = field("maxmemory").and_then(|bytes| bytes.parse().ok()).filter(|bytes| *bytes > 0);
    let needed = marks.high().saturating_mul(ENTRY_BYTES);
    if let Some(maxmemory) = maxmemory.filter(|maxmemory| *maxmemory < needed) {
        concerns.push(Concern::Small { maxmemory, needed, high_water: marks.high() });
    }
    if field("aof_enabled").as_deref() == Some("0") {
        concerns.push(Concern::NotPersistent);
    }
    let server = match field("valkey_version") {
        Some(version) => Some(format!("valkey {version}")),
        None => compatible.map(|version| format!("redis {version}")),
    };
    Ok(Findings { server, concerns, unread: vec![] })
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
        read_info(info, Marks::default()).unwrap().concerns
    }

    #[test]
    fn a_server_set_up_as_it_should_be_raises_no_concern() {
        let info = "redis_version:7.0.15\r\nredis_mode:standalone\r\nmaxmemory:0\r\n\
                    maxmemory_policy:noeviction\r\naof_enabled:1\r\ncluster_enabled:0\r\n";
        let findings = read_info(info, Marks::default()).unwrap();
        let server = Some("redis 7.0.15".to_owned());
        assert_eq!(findings, Findings { server, concerns: vec![], unread: vec![] });
    }

    #[test]
    fn what_may_lose_events_is_said() {
        let evicts = Concern::Evicts { policy: "allkeys-lru".to_owned() };
        assert_eq!(concerns("maxmemory:80000000\r\nmaxmemory_policy:allkeys-lru\r\n"), [evicts]);
        let small = Concern::Small { maxmemory: 69_999_999, needed: 70_000_000, high_water: 100_000 };
        assert_eq!(concerns("maxmemory:69999999\r\n"), [small]);
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
        assert_eq!(read_info(info, Marks::default()).unwrap().server.as_deref(), Some("valkey 9.1.2"));
        assert!(matches!(read_info("redis_mode:cluster\r\n", Marks::default()), Err(RedisError::Cluster)));
        assert!(matches!(read_info("cluster_enabled:1\r\n", Marks::default()), Err(RedisError::Cluster)));
    }
}
