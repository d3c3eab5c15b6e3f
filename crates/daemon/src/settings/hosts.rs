use std::path::PathBuf;

use standpipe_cursor::Endpoint;
use standpipe_projection::DidFilter;

use super::keys::{self, Key};
use super::reader::Reader;
use super::written::text;
use super::{Flaw, Upstream};
use crate::{Host, Labeler};

/// The hosts that are read, and the labelers: no two of a kind with one name.
pub(super) fn read_hosts(reader: &mut Reader<'_>, upstream: Upstream) -> (Vec<Endpoint>, Vec<Labeler>) {
    let mut hosts = reader.read_list(keys::RELAY_HOSTS, |host| Ok(host.parse::<Endpoint>()?));
    hosts.extend(read_hosts_file(reader));
    refuse_hosts(reader, keys::RELAY_HOSTS, &hosts, upstream == Upstream::Relays);
    let labelers = reader.read_list(keys::LABELER_HOSTS, labeler);
    refuse_hosts(reader, keys::LABELER_HOSTS, &labelers, upstream == Upstream::Labelers);
    (hosts, labelers)
}

/// A list in which a host is twice, or none is although some are needed.
fn refuse_hosts<H: Host>(reader: &mut Reader<'_>, key: &'static Key, hosts: &[H], are_needed: bool) {
    for (place, host) in hosts.iter().enumerate() {
        if hosts[..place].iter().any(|earlier| earlier.name() == host.name()) {
            reader.refuse(key, Flaw::HostTwice { name: host.name().to_owned() });
        }
    }
    if are_needed && hosts.is_empty() && !reader.has_problem_with(key) {
        reader.refuse(key, Flaw::NoHost);
    }
}

/// A labeler by its DID, or by its place.
pub(super) fn labeler(written: &str) -> Result<Labeler, Flaw> {
    let did = written.trim();
    if !did.starts_with("did:") {
        return Ok(Labeler::At(written.parse()?));
    }
    DidFilter::parse([did])?;
    if did.starts_with("did:plc:") || did.starts_with("did:web:") {
        Ok(Labeler::Did(did.to_owned()))
    } else {
        Err(Flaw::DidMethod { did: did.to_owned() })
    }
}

/// The hosts of a file, one a line.
fn read_hosts_file(reader: &mut Reader<'_>) -> Vec<Endpoint> {
    let read = |value: &_| {
        let path = PathBuf::from(text(value)?);
        let lines = std::fs::read_to_string(&path).map_err(|source| Flaw::File { path, source })?;
        let written = lines.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        Ok(written.filter(|host| !host.is_empty()).map(str::parse).collect::<Result<Vec<Endpoint>, _>>()?)
    };
    reader.read_optional(keys::HOSTS_FILE, read).unwrap_or_default()
}
