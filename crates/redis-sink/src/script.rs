use std::sync::LazyLock;

use bytes::Bytes;
use standpipe_cursor::{Cursor, CursorError};
use standpipe_pipeline::{Batch, Beside};

use crate::link::{Link, Reply};
use crate::names::{Names, shown};
use crate::outage::{Outage, Setback};
use crate::{Marks, RedisError};

const ACQUIRE: &str = include_str!("acquire.lua");
const APPEND: &str = include_str!("append.lua");
static APPEND_SHA: LazyLock<Bytes> = LazyLock::new(|| fred::util::sha1_hash(APPEND).into());

/// On what terms a host is acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// From whoever holds it.
    Take,
    /// Only if nobody else holds it.
    Keep,
}

/// A host that this writer holds.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) backlog: u64,
    pub(crate) fence: Bytes,
    pub(crate) adopted: bool,
}

/// What became of an append.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    Applied {
        backlog: u64,
    },
    Already {
        backlog: u64,
    },
    Full {
        backlog: u64,
    },
    /// The fence is another one, or gone.
    Fenced {
        holder: Bytes,
    },
    /// Another cursor is stored, or none.
    Elsewhere {
        cursor: Bytes,
    },
    /// Another cursor is stored beside, or none.
    ElsewhereBeside {
        key: Bytes,
    },
}

/// Becomes the host's writer, or finds out who is. Names that begin with `ours` are not somebody else's; `adopt` lets
/// the cursor be taken over from its origin name.
///
/// Carried out twice, it does no harm: the second fence is ours too.
pub(crate) async fn acquire(
    link: &mut Link,
    names: &Names,
    writer: &str,
    ours: &str,
    claim: Claim,
    adopt: bool,
) -> Result<Held, Setback> {
    let mut keys = vec![names.stream.clone(), names.cursor.clone(), names.fence.clone()];
    keys.extend(names.origin.clone().filter(|_| adopt));
    let claim = match claim {
        Claim::Take => "take",
        Claim::Keep => "keep",
    };
    let mut words = vec![Bytes::from_static(ACQUIRE.as_bytes()), keys.len().to_string().into()];
    words.append(&mut keys);
    words.extend([writer, ours, claim].map(|word| Bytes::copy_from_slice(word.as_bytes())));
    let reply = link.command("EVAL", words).await?;

    let odd = Outage::Odd { command: "EVAL" };
    let Reply::Array(items) = reply else { return Err(odd.into()) };
    let [Reply::Integer(code), cursor, length, Reply::Bytes(fence), adopted] = items.as_slice() else {
        return Err(odd.into());
    };
    let (Some(backlog), Some(adopted)) = (length.count(), adopted.count()) else { return Err(odd.into()) };
    match code {
        1 if fence.ends_with(writer.as_bytes()) => {
            Ok(Held { cursor: stored(cursor, names)?, backlog, fence: fence.clone(), adopted: adopted == 1 })
        }
        -1 => Err(RedisError::Fenced { key: shown(&names.fence), holder: shown(fence) }.into()),
        _ => Err(odd.into()),
    }
}

/// Appends the batch and moves the cursor, if both the fence and the cursor are as expected.
///
/// Carried out twice, it appends once: the second finds the cursor where the first has put it.
pub(crate) async fn append(
    link: &mut Link,
    names: &Names,
    fence: &Bytes,
    marks: Marks,
    field: &Bytes,
    batch: &Batch,
) -> Result<Appended, Setback> {
    let through = Bytes::from(batch.through().to_string());
    let known_script = words(&APPEND_SHA, names, fence, marks, field, batch, &through);
    let reply = match link.command("EVALSHA", known_script).await {
        Err(Setback::UnknownScript) => {
            let script = Bytes::from_static(APPEND.as_bytes());
            link.command("EVAL", words(&script, names, fence, marks, field, batch, &through)).await?
        }
        reply => reply?,
    };
    understand(&reply, fence, &through, batch.len()).ok_or_else(|| Outage::Odd { command: "EVALSHA" }.into())
}

fn words(
    script: &Bytes,
    names: &Names,
    fence: &Bytes,
    marks: Marks,
    field: &Bytes,
    batch: &Batch,
    through: &Bytes,
) -> Vec<Bytes> {
    let from = batch.from().map(Cursor::to_string).unwrap_or_default();
    let beside = batch.beside();
    let mut words = Vec::with_capacity(10 + 3 * beside.len() + batch.len());
    words.extend([
        script.clone(),
        (3 + beside.len()).to_string().into(),
        names.stream.clone(),
        names.cursor.clone(),
        names.fence.clone(),
    ]);
    words.extend(beside.iter().map(|beside| Bytes::from(beside.key.to_string())));
    words.extend([
        fence.clone(),
        from.into(),
        through.clone(),
        marks.high().to_string().into(),
        field.clone(),
    ]);
    for Beside { from, through, .. } in beside {
        words.push(from.as_ref().map(Cursor::to_string).unwrap_or_default().into());
        words.push(through.to_string().into());
    }
    words.extend(batch.entries());
    words
}

/// A reply counts only where all of it fits: the library has been seen to hand replies to the wrong caller.
fn understand(reply: &Reply, fence: &Bytes, through: &Bytes, entries: usize) -> Option<Appended> {
    let Reply::Array(items) = reply else { return None };
    let [Reply::Integer(code), Reply::Bytes(cursor), length, Reply::Bytes(holder)] = items.as_slice() else {
        return None;
    };
    let backlog = length.count()?;
    let ours = holder == fence;
    match code {
        1 if ours && cursor == through && backlog >= entries as u64 => Some(Appended::Applied { backlog }),
        2 if ours && cursor == through => Some(Appended::Already { backlog }),
        -1 if !ours => Some(Appended::Fenced { holder: holder.clone() }),
        -2 if ours && cursor != through => Some(Appended::Elsewhere { cursor: cursor.clone() }),
        -3 if ours => Some(Appended::Full { backlog }),
        -4 if ours => Some(Appended::ElsewhereBeside { key: cursor.clone() }),
        _ => None,
    }
}

/// What is stored as a cursor; a text that is none is an error, never "nothing".
pub(crate) fn stored(reply: &Reply, names: &Names) -> Result<Option<Cursor>, RedisError> {
    match reply {
        Reply::Nil => Ok(None),
        Reply::Bytes(_) | Reply::Integer(_) | Reply::Array(_) => {
            let parsed = match reply.text() {
                Some(text) => Cursor::parse(text),
                None => Err(CursorError::unreadable(&format!("{reply:?}"))),
            };
            parsed.map(Some).map_err(|source| RedisError::Cursor { key: shown(&names.cursor), source })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: i64, cursor: &'static str, length: i64, fence: &'static str) -> Reply {
        Reply::Array(vec![
            Reply::Integer(code),
            Reply::Bytes(cursor.into()),
            Reply::Integer(length),
            Reply::Bytes(fence.into()),
        ])
    }

    fn check(reply: &Reply, expected: impl Into<Option<Appended>>) {
        assert_eq!(understand(reply, &"3:me".into(), &"20".into(), 5), expected.into(), "{reply:?}");
    }

    #[test]
    fn i1_an_answer_that_belongs_to_another_batch_or_writer_is_not_taken_for_ours() {
        check(&reply(1, "20", 7, "3:me"), Appended::Applied { backlog: 7 });
        check(&reply(1, "19", 7, "3:me"), None);
        check(&reply(1, "20", 7, "4:you"), None);
        check(&reply(1, "20", 4, "3:me"), None);
        check(&reply(2, "20", 0, "3:me"), Appended::Already { backlog: 0 });
        check(&reply(2, "21", 0, "3:me"), None);
        check(&reply(-1, "20", 7, "3:me"), None);
        check(&reply(-1, "20", 7, ""), Appended::Fenced { holder: Bytes::new() });
        check(&reply(-2, "20", 7, "3:me"), None);
        check(&reply(-2, "9", 7, "3:me"), Appended::Elsewhere { cursor: "9".into() });
        check(&reply(-3, "9", 7, "3:me"), Appended::Full { backlog: 7 });
        check(&reply(-4, "beside", 7, "3:me"), Appended::ElsewhereBeside { key: "beside".into() });
        check(&reply(-4, "beside", 7, "4:you"), None);
        check(&reply(0, "20", 7, "3:me"), None);
        check(&Reply::Array(vec![Reply::Integer(1)]), None);
        check(&Reply::Integer(1), None);
    }

    #[test]
    fn i11_stored_bytes_that_are_no_cursor_are_an_error() {
        let names = Names::new("s", &standpipe_cursor::CursorKey::new("s", &"h".parse().unwrap()));
        assert!(matches!(stored(&Reply::Nil, &names), Ok(None)));
        for bytes in [&b""[..], &b"\xff\xfe"[..]] {
            let found = stored(&Reply::Bytes(Bytes::from_static(bytes)), &names);
            assert!(matches!(found, Err(RedisError::Cursor { .. })), "{bytes:?}");
        }
    }
}
