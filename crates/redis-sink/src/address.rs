use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::{AddressError, Password};

/// Where a server is and as whom to log in: `redis://[user[:password]@]host[:port][/database]`.
///
/// `rediss` is TLS; `valkey` and `valkeys` mean the same. The port is 6379 where none is written. Neither
/// `Display` nor `Debug` shows the password.
/// Source: <https://www.iana.org/assignments/uri-schemes/prov/redis>.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    pub(crate) database: u8,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Password>,
}

impl RedisAddress {
    /// Logs in as this ACL user instead of the one that was written.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Logs in with this password instead of the one that was written.
    #[must_use]
    pub fn with_password(mut self, password: Password) -> Self {
        self.password = Some(password);
        self
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }
}

impl FromStr for RedisAddress {
    type Err = AddressError;

    fn from_str(written: &str) -> Result<Self, AddressError> {
        let url = Url::parse(written.trim()).map_err(AddressError::NoUrl)?;
        let tls = match url.scheme() {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            scheme => return Err(AddressError::Scheme { scheme: scheme.to_owned() }),
        };
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Domain(_)) | None => return Err(AddressError::NoHost),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Trailing);
        }
        let database = match url.path().trim_matches('/') {
            "" => 0,
            digits => digits.parse().map_err(|_| AddressError::Database { written: digits.to_owned() })?,
        };
        let user = decode(url.username()).ok_or(AddressError::Credentials)?;
        let password = url.password().map(decode).map(|decoded| decoded.ok_or(AddressError::Credentials));
        Ok(Self {
            host,
            port: url.port().unwrap_or(6379),
            tls,
            database,
            user: Some(user).filter(|user| !user.is_empty()),
            password: password.transpose()?.map(Password::new),
        })
    }
}

/// Undoes percent-encoding; `None` where it is broken or does not give UTF-8.
fn decode(encoded: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        decoded.push(match byte {
            b'%' => u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}:{}/{}", self.host, self.port, self.database)
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, shown: &str, user: Option<&str>, password: Option<&str>) {
        let address: RedisAddress = written.parse().unwrap();
        assert_eq!(address.to_string(), shown, "{written}");
        assert_eq!(address.user.as_deref(), user, "{written}");
        assert_eq!(address.password.as_ref().map(Password::reveal), password, "{written}");
    }

    #[test]
    fn the_usual_ways_to_write_an_address_are_read() {
        check("redis://localhost", "redis://localhost:6379/0", None, None);
        check("redis://127.0.0.1:7000/", "redis://127.0.0.1:7000/0", None, None);
        check("rediss://db.example:6380/3", "rediss://db.example:6380/3", None, None);
        check("valkeys://db.example", "rediss://db.example:6379/0", None, None);
        check("redis://[::1]:6379", "redis://[::1]:6379/0", None, None);
        check("redis://:secret@h", "redis://h:6379/0", None, Some("secret"));
        check("redis://ingest:p%40ss%2Fword@h", "redis://h:6379/0", Some("ingest"), Some("p@ss/word"));
    }

    #[test]
    fn i12_no_way_to_print_an_address_shows_its_password() {
        let address: RedisAddress = "redis://ingest:hunter2@h".parse().unwrap();
        let address = address.with_password(Password::new("hunter3"));
        for printed in [address.to_string(), format!("{address:?}"), format!("{:?}", address.password)] {
            assert!(!printed.contains("hunter"), "{printed}");
        }
    }

    #[test]
    fn i12_no_refusal_repeats_what_was_written() {
        for written in [
            "h:6379",
            "hunter2@h",
            "http://u:hunter2@h",
            "redis://u:hunter2@",
            "redis://u:hunter2@h/x",
            "redis://u:hunter2%zz@h",
            "redis://u:hunter2@h/0?x=y",
            "redis://u:hunter2@h:99999",
        ] {
            let refusal = written.parse::<RedisAddress>().unwrap_err();
            let printed = format!("{refusal} {refusal:?}");
            assert!(!printed.contains("hunter"), "{printed}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let refusal = |written: &str| written.parse::<RedisAddress>().unwrap_err();
        assert!(matches!(refusal("localhost"), AddressError::NoUrl(_)));
        assert!(matches!(refusal("redis-sentinel://h"), AddressError::Scheme { .. }));
        assert!(matches!(refusal("redis:///0"), AddressError::NoHost));
        assert!(matches!(refusal("redis://h/256"), AddressError::Database { .. }));
        assert!(matches!(refusal("redis://h?a=b"), AddressError::Trailing));
        assert!(matches!(refusal("redis://:%ff@h"), AddressError::Credentials));
    }
}
