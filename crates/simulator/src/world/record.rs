//! Records of realistic shapes.

use fastrand::Rng;

use crate::encode::{Cid, Value, radix};
use crate::world::text;

/// A record and the collection that it belongs to.
pub(crate) struct Record {
    pub(crate) collection: &'static str,
    pub(crate) value: Value,
}

/// Makes a record: `foreign` ones lie outside `app.bsky.*` and `chat.bsky.*`.
pub(crate) fn record(rng: &mut Rng, foreign: bool, time: &str) -> Record {
    if foreign {
        return match rng.u8(0..4) {
            0 => probe(rng),
            1 => make("com.example.blog.entry", time, [("title", text::phrase(rng).into()), tags(rng)]),
            // Begins as the namespaces of Bluesky do and lies in neither.
            2 => make("app.bskyx.feed.post", time, [("text", text::sentence(rng).into())]),
            _ => make("chat.bskyish.actor.note", time, [("text", text::phrase(rng).into())]),
        };
    }
    match rng.u8(0..100) {
        0..45 => make("app.bsky.feed.like", time, [("subject", strong_ref(rng))]),
        45..70 => post(rng, time),
        70..80 => make("app.bsky.feed.repost", time, [("subject", strong_ref(rng))]),
        80..93 => make("app.bsky.graph.follow", time, [("subject", did(rng).into())]),
        93..95 => make("app.bsky.graph.block", time, [("subject", did(rng).into())]),
        95..97 => make(
            "app.bsky.feed.threadgate",
            time,
            [("post", uri(rng, "app.bsky.feed.post").into()), ("allow", Value::list([]))],
        ),
        97..99 => make("app.bsky.graph.listitem", time, [("subject", did(rng).into()), tags(rng)]),
        _ => make("chat.bsky.actor.declaration", time, [("allowIncoming", "following".into())]),
    }
}

/// Makes a profile: the record that is updated rather than created anew.
pub(crate) fn profile(rng: &mut Rng) -> Record {
    let mut pairs = vec![
        ("$type", "app.bsky.actor.profile".into()),
        ("displayName", text::phrase(rng).into()),
        ("description", text::sentence(rng).into()),
        ("avatar", blob(rng)),
    ];
    if rng.bool() {
        pairs.push(("banner", blob(rng)));
    }
    Record { collection: "app.bsky.actor.profile", value: Value::map(pairs) }
}

fn post(rng: &mut Rng, time: &str) -> Record {
    let mut pairs = vec![("text", text::sentence(rng).into())];
    if rng.bool() {
        pairs.push(("langs", Value::list([text::language(rng).into()])));
    }
    if rng.u8(0..3) == 0 {
        pairs.push(("reply", Value::map([("root", strong_ref(rng)), ("parent", strong_ref(rng))])));
    }
    match rng.u8(0..6) {
        0 => {
            let image = Value::map([
                ("alt", text::phrase(rng).into()),
                ("image", blob(rng)),
                ("aspectRatio", Value::map([("width", Value::Int(1080)), ("height", Value::Int(1350))])),
            ]);
            let embed =
                Value::map([("$type", "app.bsky.embed.images".into()), ("images", Value::list([image]))]);
            pairs.push(("embed", embed));
        }
        1 => {
            let external = Value::map([
                ("uri", "https://example.com/a?b=c&d=%22".into()),
                ("title", text::phrase(rng).into()),
                ("description", text::phrase(rng).into()),
            ]);
            let embed = Value::map([("$type", "app.bsky.embed.external".into()), ("external", external)]);
            pairs.push(("embed", embed));
        }
        2 => {
            let feature =
                Value::map([("$type", "app.bsky.richtext.facet#mention".into()), ("did", did(rng).into())]);
            let index = Value::map([("byteStart", Value::Int(0)), ("byteEnd", Value::Int(rng.i64(1..300)))]);
            let facet = Value::map([("index", index), ("features", Value::list([feature]))]);
            pairs.push(("facets", Value::list([facet])));
        }
        _ => {}
    }
    make("app.bsky.feed.post", time, pairs)
}

/// A record of another application that uses all that the data model has, up to its edges.
fn probe(rng: &mut Rng) -> Record {
    let mut nested = Value::list([Value::Int(rng.i64(-1000..1000)), Value::Null]);
    for depth in 0..rng.i64(1..20) {
        nested = Value::map([("depth", Value::Int(depth)), ("in", nested)]);
    }
    let bytes: Vec<u8> = (0..rng.usize(0..48)).map(|_| rng.u8(..)).collect();
    let integers = [i64::MIN, -(1 << 53), -1, 0, 23, 24, 255, 256, 65_536, 1 << 32, 1 << 53, i64::MAX];
    let value = Value::map([
        ("$type", "com.example.probe".into()),
        ("bytes", Value::Bytes(bytes)),
        ("flag", rng.bool().into()),
        ("integers", Value::list(integers.map(Value::Int))),
        ("blob", blob(rng)),
        ("link", Value::Link(cid(rng))),
        ("nested", nested),
        ("nothing", Value::Null),
        ("empty", Value::map::<&str>([])),
        ("clé \"quoted\"\n", text::phrase(rng).into()),
    ]);
    Record { collection: "com.example.probe", value }
}

fn make(
    collection: &'static str,
    time: &str,
    pairs: impl IntoIterator<Item = (&'static str, Value)>,
) -> Record {
    let common = [("$type", collection.into()), ("createdAt", time.into())];
    Record { collection, value: Value::map(common.into_iter().chain(pairs)) }
}

fn tags(rng: &mut Rng) -> (&'static str, Value) {
    ("tags", Value::list((0..rng.u8(0..4)).map(|_| text::language(rng).into())))
}

fn strong_ref(rng: &mut Rng) -> Value {
    Value::map([("cid", cid(rng).to_string().into()), ("uri", Value::Text(uri(rng, "app.bsky.feed.post")))])
}

fn uri(rng: &mut Rng, collection: &str) -> String {
    format!("at://{}/{collection}/{}", did(rng), radix::tid(rng.u64(1_700_000_000_000_000..), 0))
}

fn did(rng: &mut Rng) -> String {
    let bytes: [u8; 15] = std::array::from_fn(|_| rng.u8(..));
    format!("did:plc:{}", radix::base32(&bytes))
}

fn blob(rng: &mut Rng) -> Value {
    Value::map([
        ("$type", "blob".into()),
        ("ref", Value::Link(Cid::of_blob(&rng.u64(..).to_be_bytes()))),
        ("mimeType", "image/jpeg".into()),
        ("size", Value::Int(rng.i64(1000..1_000_000))),
    ])
}

fn cid(rng: &mut Rng) -> Cid {
    Cid::of_block(&rng.u64(..).to_be_bytes())
}
