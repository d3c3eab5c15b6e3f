//! Cursors that are stored in one step with a batch, beside its own.

use standpipe_cursor::{Cursor, CursorStore};
use standpipe_oracle::Reply;
use standpipe_pipeline::{Ack, Acquire, OpenBatch, Remedy, Sink, Transient};
use standpipe_redis_sink::{RedisError, RedisSinks, RedisWriter};

use crate::setup::{World, key, seq, settings, soon};

/// A batch of one entry that moves the cursor beside from and to these.
async fn deliver_beside(
    writer: &mut RedisWriter,
    (from, through): (Option<Cursor>, Cursor),
    (mark, then): (Option<Cursor>, Cursor),
) -> Result<Ack, RedisError> {
    let mut open = OpenBatch::following(from);
    open.append("create", |buffer| {
        buffer.extend_from_slice(b"a");
        Ok::<(), RedisError>(())
    })?;
    open.store_beside(&key().beside("new"), mark, then);
    open.close_frame(through, 1, "");
    soon(writer.deliver(&open.seal(None).unwrap())).await
}

async fn beside(world: &World) -> Option<Cursor> {
    world.sinks.load(&key().beside("new")).await.unwrap()
}

#[tokio::test]
async fn i1_a_cursor_beside_is_stored_with_its_batch_and_moves_only_from_where_it_was() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    let stored = deliver_beside(&mut writer, (None, seq(1)), (None, seq(10))).await.unwrap();
    assert_eq!(stored, Ack::applied(Some(1)));
    assert_eq!(beside(&world).await, Some(seq(10)));
    for wrong in [None, Some(seq(9))] {
        let error = deliver_beside(&mut writer, (Some(seq(1)), seq(2)), (wrong, seq(20))).await.unwrap_err();
        assert!(matches!(&error, RedisError::BesideMoved { key } if key.ends_with("!new")), "{error}");
        assert_eq!(error.remedy(), Remedy::Retry);
        assert_eq!((beside(&world).await, world.cursor().await.unwrap()), (Some(seq(10)), "1".to_owned()));
    }
    assert_eq!(world.entries().await, ["a"]);
    deliver_beside(&mut writer, (Some(seq(1)), seq(2)), (Some(seq(10)), seq(20))).await.unwrap();
    // What was stored by an earlier call is not compared again.
    let again = deliver_beside(&mut writer, (Some(seq(1)), seq(2)), (Some(seq(10)), seq(20))).await.unwrap();
    assert_eq!(again, Ack::already(Some(2)));
    assert_eq!(beside(&world).await, Some(seq(20)));
}

#[tokio::test]
async fn i2_a_writer_that_lost_its_host_moves_no_cursor_beside_either() {
    let world = World::new().await;
    let mut earlier = world.writer().await;
    deliver_beside(&mut earlier, (None, seq(1)), (None, seq(10))).await.unwrap();
    let stranger = RedisSinks::new(settings(world.proxy.address()));
    let mut later = soon(stranger.acquire(&key())).await.unwrap().sink;
    let lost = deliver_beside(&mut earlier, (Some(seq(1)), seq(2)), (Some(seq(10)), seq(20))).await;
    assert!(matches!(lost, Err(RedisError::Fenced { .. })), "{lost:?}");
    assert_eq!(beside(&world).await, Some(seq(10)));
    deliver_beside(&mut later, (Some(seq(1)), seq(3)), (Some(seq(10)), seq(30))).await.unwrap();
    assert_eq!(beside(&world).await, Some(seq(30)));
    assert_eq!(world.run(&["XLEN", crate::setup::STREAM]).await, Reply::Integer(2));
}
