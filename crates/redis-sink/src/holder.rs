use bytes::Bytes;

use crate::RedisError;
use crate::link::{Link, Reply};
use crate::names::{Names, shown};
use crate::outage::{Outage, Setback};

/// What the connections of writers are called at the server, before the writer's name.
const PREFIX: &str = "standpipe:";

/// The writer that acquired a host last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its name in the fence.
    pub writer: String,
    /// Whether it is connected; `None` where the server may not be asked who is.
    pub connected: Option<bool>,
}

/// Tells the server whose connection this is, so that an operator's command can see that a writer is at work. A server
/// that does not let itself be told so is served all the same.
pub(crate) async fn introduce(link: &mut Link, writer: &str) -> Result<(), Setback> {
    let words = vec![Bytes::from_static(b"SETNAME"), format!("{PREFIX}{writer}").into()];
    match link.command("CLIENT", words).await {
        Ok(_) | Err(Setback::Final(RedisError::Permission { .. } | RedisError::Refused { .. })) => Ok(()),
        Err(setback) => Err(setback),
    }
}

/// Looks who holds the host.
pub(crate) async fn find(link: &mut Link, names: &Names) -> Result<Option<Holder>, Setback> {
    let fence = match link.command("GET", vec![names.fence.clone()]).await? {
        Reply::Nil => return Ok(None),
        Reply::Bytes(fence) => shown(&fence),
        Reply::Integer(_) | Reply::Array(_) => return Err(Outage::Odd { command: "GET" }.into()),
    };
    let writer = fence.split_once(':').map_or(fence.as_str(), |(_, writer)| writer).to_owned();
    let connected = match link.command("CLIENT", vec![Bytes::from_static(b"LIST")]).await {
        Ok(reply) => Some(is_named(reply.text().unwrap_or_default(), &format!("{PREFIX}{writer}"))),
        Err(Setback::Final(RedisError::Permission { .. } | RedisError::Refused { .. })) => None,
        Err(setback) => return Err(setback),
    };
    Ok(Some(Holder { writer, connected }))
}

/// Whether a connection has this name. Shape: a line a connection, `id=3 addr=… name=… …`.
fn is_named(list: &str, name: &str) -> bool {
    list.lines().flat_map(|line| line.split(' ')).any(|field| field.strip_prefix("name=") == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_known_by_its_whole_name() {
        let list =
            "id=3 addr=127.0.0.1:1 name= db=0\nid=4 addr=127.0.0.1:2 name=standpipe:aa/00000001 db=0\n";
        assert!(is_named(list, "standpipe:aa/00000001"));
        assert!(!is_named(list, "standpipe:aa/0000000"));
        assert!(!is_named("", "standpipe:aa/00000001"));
    }
}
