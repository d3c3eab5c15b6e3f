use bytes::Bytes;
use standpipe_cursor::CursorKey;

/// The keys of one host's writer.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) stream: Bytes,
    pub(crate) cursor: Bytes,
    pub(crate) fence: Bytes,
    /// The cursor's name at the origin ingester, where it differs.
    pub(crate) origin: Option<Bytes>,
}

impl Names {
    pub(crate) fn new(stream: &str, key: &CursorKey) -> Self {
        Self {
            stream: Bytes::copy_from_slice(stream.as_bytes()),
            cursor: key.to_string().into(),
            fence: format!("{stream}:fence:{}", key.host()).into(),
            origin: key.origin_name().map(Bytes::from),
        }
    }

    /// Each key with the type that it must have where it exists.
    pub(crate) fn types(&self) -> impl Iterator<Item = (&Bytes, &'static str)> {
        let strings = [&self.cursor, &self.fence].into_iter().chain(&self.origin);
        std::iter::once((&self.stream, "stream")).chain(strings.map(|key| (key, "string")))
    }
}

/// A key as it reads in errors and logs.
pub(crate) fn shown(key: &Bytes) -> String {
    String::from_utf8_lossy(key).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_existing_deployments_know() {
        let key = CursorKey::new("firehose_live", &"https://bsky.network/".parse().unwrap());
        let names = Names::new("firehose_live", &key);
        assert_eq!(names.cursor, "firehose_live:cursor:bsky.network");
        assert_eq!(names.fence, "firehose_live:fence:bsky.network");
        assert_eq!(names.origin.unwrap(), "firehose_live:cursor:https://bsky.network/");
    }
}
